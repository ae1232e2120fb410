import { billingActions } from "./billing-action.js";
import { setupMode, subscriptionMode } from "./billing-checkout.js";
import { settingKind } from "./billing-setting.js";
import { customerKind, customerRoutes } from "./customer.js";
import type { Module } from "./engine.js";
import { dropPending, invoiceKinds, invoiceRoutes } from "./invoice.js";
import { chargeTaken, retry } from "./invoice-collect.js";
import { invoicePages } from "./invoice-page.js";
import { portalKinds, portalRoutes } from "./portal.js";
import { portalPages } from "./portal-page.js";
import { priceKind, priceRoutes } from "./price.js";
import { productKind, productRoutes } from "./product.js";
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
