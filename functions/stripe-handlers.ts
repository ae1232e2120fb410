import { billingHandlers } from "../core/billing/sync.js";
import { disputeHandlers } from "../core/dispute/sync.js";
import { paymentAccountHandlers } from "../core/payment/connect.js";
import { paymentHandlers } from "../core/payment/webhook.js";
import type { StripeHandler } from "../core/stripe/event.js";

/** Everybody who acts on what Stripe says, in one list; core/stripe/type.ts names the types of events. */
export const stripeHandlers: readonly StripeHandler[] = [
  ...paymentHandlers,
  ...paymentAccountHandlers,
  ...disputeHandlers,
  ...billingHandlers,
];
