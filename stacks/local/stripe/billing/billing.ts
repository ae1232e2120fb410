import type { Module } from "../engine/engine.js";
import { invoicePages } from "../page/invoice.js";
import { portalPages } from "../page/portal.js";
import { billingActions } from "./action.js";
import { setupMode, subscriptionMode } from "./checkout.js";
import { customerKind, customerRoutes } from "./customer.js";
import { dropPending, invoiceKinds, invoiceRoutes } from "./invoice.js";
import { chargeTaken, retry } from "./invoice-collect.js";
import { portalKinds, portalRoutes } from "./portal.js";
import { priceKind, priceRoutes } from "./price.js";
import { productKind, productRoutes } from "./product.js";
import { settingKind } from "./setting.js";
import { subscriptionKinds, subscriptionRoutes } from "./subscription.js";
import { advance, tellTrialWillEnd, tellUpcoming, turn } from "./subscription-cycle.js";
import { expire } from "./subscription-end.js";

/** Who pays what and when: customers, prices, subscriptions, their invoices and the portal. */
export const billing: Module = {
  kinds: [customerKind, productKind, priceKind, ...subscriptionKinds, ...invoiceKinds, ...portalKinds, settingKind],
  routes: [
    ...[...customerRoutes, ...productRoutes, ...priceRoutes],
    ...[...subscriptionRoutes, ...invoiceRoutes, ...portalRoutes],
  ],
  pages: [...invoicePages, ...portalPages],
  timers: {
    "subscription.turn": turn,
    "subscription.expire": expire,
    "subscription.upcoming": tellUpcoming,
    "subscription.trial_will_end": tellTrialWillEnd,
    "invoice.finalize": advance,
    "invoice.retry": retry,
    "invoice.pending_update_expires": dropPending,
    // Told of every charge, also of those that no invoice asked for.
    "charge.booked": chargeTaken,
  },
  actions: billingActions,
  checkout: { subscription: subscriptionMode, setup: setupMode },
};
