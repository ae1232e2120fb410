import { accounts } from "./account.js";
import { authentication } from "./authentication.js";
import { balance } from "./balance.js";
import { billing } from "./billing.js";
import { captures } from "./capture.js";
import { charges } from "./charge.js";
import { createCheckout } from "./checkout.js";
import { disputes } from "./dispute.js";
import type { Module } from "./engine.js";
import { events } from "./event.js";
import { applicationFees } from "./fee.js";
import { oauth } from "./oauth.js";
import { onboarding } from "./onboarding.js";
import { paymentIntents } from "./payment-intent.js";
import { paymentMethods } from "./payment-method-route.js";
import { refunds } from "./refund.js";
import { setupIntents } from "./setup-intent.js";

/** What the platform pays for itself; see billing.ts. */
const others: readonly Module[] = [billing];

/** Everything that the stand-in knows. */
export const modules: readonly Module[] = [
  ...others,
  ...[accounts, onboarding, oauth],
  ...[paymentIntents, captures, charges, refunds, disputes, paymentMethods, setupIntents, authentication],
  ...[balance, applicationFees, events],
  createCheckout(Object.assign({}, ...others.map(({ checkout }) => checkout ?? {}))),
];
