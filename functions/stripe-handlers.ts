import { billingHandlers } from "../core/billing/sync.js";
import { disputeHandlers } from "../core/dispute/sync.js";
import { paymentHandlers } from "../core/payment/stripe/webhook.js";
import { paymentAccountHandlers } from "../core/payment-account/index.js";
import type { StripeHandler } from "../core/stripe/event.js";

/** Everybody who acts on what Stripe says, in one list; core/stripe/type.ts names the types of events. */
export const stripeHandlers: readonly StripeHandler[] = [
  ...paymentHandlers,
  ...paymentAccountHandlers,
  ...disputeHandlers,
  ...billingHandlers,
];
