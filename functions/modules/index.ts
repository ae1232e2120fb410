import { apiKey } from "./api-key.js";
import { billing } from "./billing.js";
import { cart } from "./cart.js";
import { catalog } from "./catalog.js";
import { channel } from "./channel.js";
import { dispute } from "./dispute.js";
import { event } from "./event.js";
import { idempotency } from "./idempotency.js";
import { incident } from "./incident.js";
import { inventory } from "./inventory.js";
import { job } from "./job.js";
import { ledger } from "./ledger.js";
import { mail } from "./mail.js";
import { member } from "./member.js";
import type { Module } from "./module.js";
import { order } from "./order.js";
import { payment } from "./payment.js";
import { paymentAccount } from "./payment-account.js";
import { paymentMethod } from "./payment-method.js";
import { priceSet } from "./price-set.js";
import { rate } from "./rate.js";
import { reconciliation } from "./reconciliation.js";
import { region } from "./region.js";
import { register } from "./register.js";
import { report } from "./report.js";
import { session } from "./session.js";
import { shipping } from "./shipping.js";
import { signup } from "./signup.js";
import { stripe } from "./stripe.js";
import { sweepOf } from "./sweep.js";
import { tax } from "./tax.js";
import { tenant } from "./tenant.js";
import { usage } from "./usage.js";

/** THE list of the nouns of the running system. A plugin is added here and nowhere else. */
const nouns: readonly Module[] = [
  tenant,
  signup,
  region,
  channel,
  tax,
  shipping,
  catalog,
  priceSet,
  inventory,
  cart,
  order,
  paymentAccount,
  payment,
  paymentMethod,
  dispute,
  session,
  member,
  apiKey,
  mail,
  ledger,
  report,
  billing,
  usage,
  stripe,
  reconciliation,
  incident,
  event,
  job,
  idempotency,
  rate,
];

export const modules: readonly Module[] = [...nouns, sweepOf(nouns)];

register(modules);
