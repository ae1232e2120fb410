import * as z from "zod";
import { defineJob } from "../kernel/job/index.js";

/** Asks Stripe for the state of the subscription, at a regular check or when a webhook may have been lost. */
export const syncSubscriptionJob = defineJob("billing.sync", z.object({}));
