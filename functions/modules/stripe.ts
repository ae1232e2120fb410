import { stripeEvent } from "../../core/stripe/event.js";
import type { Module } from "./module.js";

/** The job that each event of Stripe becomes, for the handlers of all modules. */
export const stripe = (modules: readonly Module[]): Module => ({
  name: "stripe",
  jobs: [stripeEvent(modules.flatMap((module) => module.stripe ?? []))],
});
