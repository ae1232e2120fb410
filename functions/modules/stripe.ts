import { handle } from "../../core/kernel/job/index.js";
import { handleStripeEvent, stripeEventJob } from "../../core/stripe/event.js";
import type { Module } from "./module.js";

export const stripe: Module = {
  name: "stripe",
  jobs: [handle(stripeEventJob, (event) => handleStripeEvent(event))],
};
