import * as z from "zod";
import { subscriptionTable } from "../../core/billing/billing.sql.js";
import { Billing } from "../../core/billing/index.js";
import { defineScope } from "../../core/kernel/access.js";
import { handle } from "../../core/kernel/job/index.js";
import { listOf } from "../../core/kernel/page.js";
import { endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";

export const readBilling = defineScope("billing:read", "ADMIN", { whileSuspended: true, onRequestOnly: true });
const writeBilling = defineScope("billing:write", "OWNER", { whileSuspended: true });

const billingWrite = { allow: writeBilling } as const;
const followsByWebhook =
  "The subscription and the tenant's status change when Stripe's webhook arrives, usually within seconds.";

const routes = [
  endpoint(
    "get",
    "/v1/billing/plans",
    {
      allow: "public",
      door: "open",
      returns: [200, z.object({ data: z.array(Billing.PlanRecord) })],
      summary: "List plans",
    },
    () => Billing.listPlans(),
  ),
  endpoint(
    "get",
    "/v1/billing/subscription",
    { allow: readBilling, returns: [200, Billing.SubscriptionRecord], summary: "Get the subscription" },
    () => Billing.get(),
  ),
  endpoint(
    "get",
    "/v1/billing/invoices",
    {
      allow: readBilling,
      query: Billing.InvoicePage,
      returns: [200, listOf(Billing.Invoice)],
      summary: "List invoices, newest first",
    },
    ({ query }) => Billing.listInvoices(query),
  ),
  endpoint(
    "post",
    "/v1/billing/checkout",
    {
      cost: 10,
      ...billingWrite,
      body: Billing.CheckoutRequest,
      returns: [200, Billing.BillingPage],
      summary: "Create a checkout session for a plan",
      description: `Returns the URL of a Stripe page. A running trial continues, and the first payment is due at its end. Earlier checkout sessions expire. ${followsByWebhook}`,
    },
    ({ body }) => Billing.checkout(body),
  ),
  endpoint(
    "post",
    "/v1/billing/portal",
    {
      cost: 10,
      ...billingWrite,
      body: Billing.PortalRequest,
      returns: [200, Billing.BillingPage],
      summary: "Create a billing portal session",
    },
    ({ body }) => Billing.portal(body),
  ),
  endpoint(
    "post",
    "/v1/billing/preview",
    {
      cost: 10,
      ...billingWrite,
      body: Billing.ChangePreview,
      returns: [200, Billing.ChangePreviewed],
      summary: "Preview a plan change",
    },
    ({ body }) => Billing.previewChange(body),
  ),
  endpoint(
    "post",
    "/v1/billing/change",
    {
      cost: 10,
      ...billingWrite,
      body: Billing.PlanChange,
      returns: [200, Billing.AgreedSubscription],
      idempotency: "required",
      summary: "Change the plan",
      description:
        "Takes effect immediately, for upgrades and downgrades: unused time is credited, the rest is charged now, and a " +
        `remaining credit reduces the next invoices. If the payment is declined, nothing changes. If the bank asks the payer, ` +
        "the status is `requires_payment_action`, and the present plan stays until the payer has confirmed the payment at " +
        `\`url\`; the same request again answers with the same page. ${followsByWebhook}`,
    },
    ({ body }) => Billing.changePlan(body),
  ),
  endpoint(
    "delete",
    "/v1/billing/change",
    {
      ...billingWrite,
      returns: [204],
      summary: "Drop a plan change that waits for its payment",
      description: "The present plan stays. Does nothing when no change waits.",
    },
    () => Billing.dropChange(),
  ),
  endpoint(
    "post",
    "/v1/billing/cancel",
    {
      cost: 10,
      ...billingWrite,
      returns: [200, Billing.AgreedSubscription],
      summary: "Cancel the subscription at the end of the period",
      description: followsByWebhook,
    },
    () => Billing.cancel(),
  ),
  endpoint(
    "post",
    "/v1/billing/resume",
    {
      cost: 10,
      ...billingWrite,
      returns: [200, Billing.AgreedSubscription],
      summary: "Resume a subscription that is set to cancel",
      description: followsByWebhook,
    },
    () => Billing.resume(),
  ),
];

export const billing: Module = {
  name: "billing",
  scopes: [readBilling, writeBilling],
  tables: [subscriptionTable],
  routes,
  events: Billing.billingEvents,
  jobs: [handle(Billing.syncSubscriptionJob, Billing.sync), handle(Billing.noticeMailJob, Billing.sendNotice)],
  sweeps: [{ name: "billing.dunning", run: () => Billing.advanceDunning() }],
  stripe: Billing.billingHandlers,
};
