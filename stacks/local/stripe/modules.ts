import { billing } from "./billing/module.js";
import { accounts } from "./connect/account.js";
import { applicationFees } from "./connect/fee.js";
import { oauth } from "./connect/oauth.js";
import { onboarding } from "./connect/onboarding.js";
import type { Module } from "./engine/engine.js";
import { events } from "./engine/event.js";
import { authentication } from "./page/authentication.js";
import { balance } from "./payment/balance.js";
import { captures } from "./payment/capture.js";
import { charges } from "./payment/charge.js";
import { createCheckout } from "./payment/checkout.js";
import { disputes } from "./payment/dispute.js";
import { paymentIntents } from "./payment/payment-intent.js";
import { paymentMethods } from "./payment/payment-method-route.js";
import { refunds } from "./payment/refund.js";
import { setupIntents } from "./payment/setup-intent.js";

/** Modules with Checkout modes of their own; see billing/module.ts. */
const others: readonly Module[] = [billing];

/** The resources of the stand-in. */
export const modules: readonly Module[] = [
  ...others,
  ...[accounts, onboarding, oauth],
  ...[paymentIntents, captures, charges, refunds, disputes, paymentMethods, setupIntents, authentication],
  ...[balance, applicationFees, events],
  createCheckout(Object.assign({}, ...others.map(({ checkout }) => checkout ?? {}))),
];
