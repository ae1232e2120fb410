import { Catalog } from "../core/catalog/index.js";
import { forgetEvents } from "../core/event/retention.js";
import { apiKeyEvents } from "../core/identity/api-key.js";
import { memberEvents } from "../core/identity/member.js";
import { Session } from "../core/identity/session.js";
import { Inventory } from "../core/inventory/index.js";
import { Pricing } from "../core/pricing/index.js";
import { forgetAnswers } from "../core/sweep.js";
import { tenantEvents } from "../core/tenant/index.js";
import { tenantJobs } from "../core/tenant/signup.js";
import type { Module } from "./module.js";
import { apiKeyRoutes } from "./routes/api-key.js";
import { authRoutes } from "./routes/auth.js";
import { cartRoutes, cartSweeps } from "./routes/cart.js";
import { catalogRoutes } from "./routes/catalog.js";
import { eventRoutes, jobRoutes } from "./routes/event.js";
import { inventoryRoutes } from "./routes/inventory.js";
import { memberRoutes } from "./routes/member.js";
import { orderEvents, orderJobs, orderRoutes } from "./routes/order.js";
import { pricingRoutes } from "./routes/pricing.js";
import { reportRoutes } from "./routes/report.js";
import { shippingRoutes } from "./routes/shipping.js";
import { storeCatalogRoutes } from "./routes/store-catalog.js";
import { taxRoutes } from "./routes/tax.js";
import { tenantRoutes } from "./routes/tenant.js";
import { inventorySubscribers, inventorySweeps } from "./subscribers/inventory.js";
import { mailSubscribers } from "./subscribers/mail.js";
import { orderSubscribers } from "./subscribers/order.js";

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
  { name: "order", routes: orderRoutes, events: orderEvents, subscribers: orderSubscribers, jobs: orderJobs },
  { name: "mail", subscribers: mailSubscribers },
  { name: "report", routes: reportRoutes },
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
