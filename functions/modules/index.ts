import { Billing } from "../../core/billing/index.js";
import { Catalog } from "../../core/catalog/index.js";
import { Pricing } from "../../core/catalog/price-set.js";
import { Dispute } from "../../core/dispute/index.js";
import { apiKeyEvents } from "../../core/identity/api-key.js";
import { memberEvents } from "../../core/identity/member.js";
import { Session } from "../../core/identity/session.js";
import { Incident } from "../../core/incident/index.js";
import { Inventory } from "../../core/inventory/index.js";
import { forgetAnswers } from "../../core/kernel/due.js";
import { forgetEvents } from "../../core/kernel/event/retention.js";
import { paymentEvents } from "../../core/payment/event.js";
import { paymentAccountEvents } from "../../core/payment-account/index.js";
import { tenantJobs } from "../../core/signup/index.js";
import { stripeEvent } from "../../core/stripe/event.js";
import { tenantEvents } from "../../core/tenant/index.js";
import { stripeHandlers } from "../stripe-handlers.js";
import { incidentSubscribers } from "../subscribers/incident.js";
import { inventorySubscribers, inventorySweeps } from "../subscribers/inventory.js";
import { mailSubscribers } from "../subscribers/mail.js";
import { orderSubscribers } from "../subscribers/order.js";
import { apiKeyRoutes } from "./api-key.js";
import { authRoutes } from "./auth.js";
import { billingRoutes, billingSweeps } from "./billing.js";
import { cartRoutes, cartSweeps } from "./cart.js";
import { catalogRoutes } from "./catalog.js";
import { disputeRoutes } from "./dispute.js";
import { eventRoutes, jobRoutes } from "./event.js";
import { incidentRoutes } from "./incident.js";
import { inventoryRoutes } from "./inventory.js";
import { ledgerRoutes } from "./ledger.js";
import { memberRoutes } from "./member.js";
import type { Module } from "./module.js";
import { orderEvents, orderJobs, orderRoutes, orderSweeps } from "./order.js";
import { paymentAccountRoutes } from "./payment-account.js";
import { pricingRoutes } from "./price-set.js";
import { reportRoutes } from "./report.js";
import { shippingRoutes } from "./shipping.js";
import { storeCatalogRoutes } from "./store-catalog.js";
import { taxRoutes } from "./tax.js";
import { tenantRoutes } from "./tenant.js";
import { usageEvents, usageRoutes, usageSweeps } from "./usage.js";

/** THE list: what the running system is made of. A plugin is added here and nowhere else. */
export const modules: readonly Module[] = [
  { name: "tenant", routes: tenantRoutes, events: tenantEvents, jobs: tenantJobs },
  {
    name: "identity",
    routes: [...authRoutes, ...memberRoutes, ...apiKeyRoutes],
    events: [...memberEvents, ...apiKeyEvents],
  },
  { name: "catalog", routes: [...catalogRoutes, ...storeCatalogRoutes], events: Catalog.events },
  { name: "pricing", routes: pricingRoutes, events: Pricing.events },
  { name: "tax", routes: taxRoutes },
  {
    name: "inventory",
    routes: inventoryRoutes,
    events: Inventory.events,
    subscribers: inventorySubscribers,
    sweeps: inventorySweeps,
  },
  { name: "shipping", routes: shippingRoutes },
  { name: "cart", routes: cartRoutes, sweeps: cartSweeps },
  {
    name: "order",
    routes: orderRoutes,
    events: orderEvents,
    subscribers: orderSubscribers,
    jobs: orderJobs,
    sweeps: orderSweeps,
  },
  { name: "payment", routes: paymentAccountRoutes, events: [...paymentEvents, ...paymentAccountEvents] },
  { name: "mail", subscribers: mailSubscribers },
  { name: "report", routes: reportRoutes },
  { name: "dispute", routes: disputeRoutes, events: Dispute.events, jobs: [Dispute.evidenceDue] },
  { name: "ledger", routes: ledgerRoutes },
  { name: "incident", routes: incidentRoutes, events: Incident.events, subscribers: incidentSubscribers },
  {
    name: "billing",
    routes: billingRoutes,
    events: Billing.billingEvents,
    jobs: Billing.billingJobs,
    sweeps: billingSweeps,
  },
  { name: "usage", routes: usageRoutes, events: usageEvents, sweeps: usageSweeps },
  { name: "stripe", jobs: [stripeEvent(stripeHandlers)] },
  { name: "event", routes: [...eventRoutes, ...jobRoutes] },
  {
    name: "housekeeping",
    sweeps: [
      { name: "idempotency.forget", run: forgetAnswers },
      { name: "event.forget", run: forgetEvents },
      { name: "session.forget", run: Session.forget },
    ],
  },
];
