import * as z from "zod";
import { subscriptionTable } from "../../core/billing/billing.sql.js";
import { Billing } from "../../core/billing/index.js";
import { Interval, SoldPlan } from "../../core/entitlement/plan.js";
import { Money } from "../../core/kernel/money.js";
import { listOf } from "../../core/kernel/page.js";
import { endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";

const ChangePreviewed = z
  .object({
    plan: SoldPlan,
    interval: Interval,
    prorationDate: z.string().meta({ description: "To be sent with the change, which then costs what is said here" }),
    lines: z.array(
      z.object({ description: z.string(), amount: Money, periodStart: z.string(), periodEnd: z.string() }),
    ),
    total: Money.meta({ description: "Below zero it is kept for the next invoices" }),
    amountDue: Money,
  })
  .meta({ id: "PlanChangePreview" });

const writing = { allow: "billing:write", ifMatch: "none" } as const;
const follows = "Stripe is told at once; the subscription and the tenant's status follow when Stripe's webhook comes.";

const routes = [
  endpoint(
    "get",
    "/v1/billing/plans",
    { allow: "public", returns: [200, z.object({ data: z.array(Billing.PlanRecord) })], summary: "List plans" },
    () => Billing.catalogue(),
  ),
  endpoint(
    "get",
    "/v1/billing/subscription",
    { allow: "billing:read", returns: [200, Billing.SubscriptionRecord], summary: "Get the subscription" },
    () => Billing.get(),
  ),
  endpoint(
    "get",
    "/v1/billing/invoices",
    {
      allow: "billing:read",
      query: Billing.InvoicePage,
      returns: [200, listOf(Billing.Invoice)],
      summary: "List the platform's invoices, the newest first",
    },
    ({ query }) => Billing.invoices(query),
  ),
  endpoint(
    "post",
    "/v1/billing/checkout",
    {
      ...writing,
      body: Billing.CheckoutRequest,
      returns: [200, Billing.BillingPage],
      summary: "Open a page where a plan is subscribed to",
      description: `A trial that still runs goes on: the first payment is due at its end. Pages that were opened before are closed. ${follows}`,
    },
    ({ body }) => Billing.checkout(body),
  ),
  endpoint(
    "post",
    "/v1/billing/portal",
    {
      ...writing,
      body: Billing.PortalRequest,
      returns: [200, Billing.BillingPage],
      summary: "Open the page for cards, invoices and cancellation",
    },
    ({ body }) => Billing.portal(body),
  ),
  endpoint(
    "post",
    "/v1/billing/preview",
    {
      ...writing,
      body: Billing.ChangePreview,
      returns: [200, ChangePreviewed],
      summary: "See what a change of plan costs",
    },
    ({ body }) => Billing.preview(body),
  ),
  endpoint(
    "post",
    "/v1/billing/change",
    {
      ...writing,
      body: Billing.PlanChange,
      returns: [200, Billing.Agreed],
      idempotency: "required",
      summary: "Change the plan",
      description:
        "At once, upwards and downwards: what was paid and not used is subtracted, the rest is charged now, and a " +
        `difference in the tenant's favour is kept for the next invoices. A payment that is declined changes nothing. ${follows}`,
    },
    ({ body }) => Billing.change(body),
  ),
  endpoint(
    "post",
    "/v1/billing/cancel",
    {
      ...writing,
      returns: [200, Billing.Agreed],
      summary: "Cancel at the end of the period",
      description: follows,
    },
    () => Billing.cancel(),
  ),
  endpoint(
    "post",
    "/v1/billing/resume",
    { ...writing, returns: [200, Billing.Agreed], summary: "Take a cancellation back", description: follows },
    () => Billing.resume(),
  ),
];

export const billing: Module = {
  name: "billing",
  tables: [subscriptionTable],
  routes,
  events: Billing.billingEvents,
  jobs: Billing.billingJobs,
  sweeps: [{ name: "billing.dunning", run: () => Billing.advance() }],
  stripe: Billing.billingHandlers,
};
