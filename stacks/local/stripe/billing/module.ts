import type { Module } from "../engine/engine.js";
import { invoicePages } from "../page/invoice.js";
import { portalPages } from "../page/portal.js";
import { billingActions } from "./action.js";
import { setupMode, subscriptionMode } from "./checkout.js";
import { customerKind, customerRoutes } from "./customer.js";
import { dropPending, invoiceKinds, invoiceRoutes } from "./invoice.js";
import { payInvoicesOfCharge, retry } from "./invoice-collection.js";
import { portalKinds, portalRoutes } from "./portal.js";
import { priceKind, priceRoutes } from "./price.js";
import { productKind, productRoutes } from "./product.js";
import { settingKind } from "./setting.js";
import { subscriptionKinds, subscriptionRoutes } from "./subscription.js";
import { emitTrialWillEnd, emitUpcoming, finalizeDraft, runPeriodEnd } from "./subscription-cycle.js";
import { expire } from "./subscription-end.js";

/** Stripe Billing: customers, prices, subscriptions, invoices and the customer portal. */
export const billing: Module = {
  kinds: [customerKind, productKind, priceKind, ...subscriptionKinds, ...invoiceKinds, ...portalKinds, settingKind],
  routes: [
    ...[...customerRoutes, ...productRoutes, ...priceRoutes],
    ...[...subscriptionRoutes, ...invoiceRoutes, ...portalRoutes],
  ],
  pages: [...invoicePages, ...portalPages],
  timers: {
    "subscription.turn": runPeriodEnd,
    "subscription.expire": expire,
    "subscription.upcoming": emitUpcoming,
    "subscription.trial_will_end": emitTrialWillEnd,
    "invoice.finalize": finalizeDraft,
    "invoice.retry": retry,
    "invoice.pending_update_expires": dropPending,
    // Runs for every charge, with or without an invoice.
    "charge.booked": payInvoicesOfCharge,
  },
  actions: billingActions,
  checkout: { subscription: subscriptionMode, setup: setupMode },
};
