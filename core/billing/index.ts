export * as Billing from "./index.js";

import * as z from "zod";
import { planCodes, soldPlans } from "../entitlement/entitlement.sql.js";
import { features, Interval, Limits, limitsOf, planOf, plans, SoldPlan } from "../entitlement/index.js";
import { fn } from "../kernel/fn.js";
import { Money } from "../kernel/money.js";
import { tenantAccesses, tenantStatuses } from "../tenant/tenant.sql.js";
import { loadAccount } from "./account.js";
import { SubscriptionUpdated, TenantStatusChanged } from "./event.js";
import { billingStateOf, nextStep, stepKinds } from "./status.js";

export { AgreedSubscription, cancel, resume } from "./agreement.js";
export { BillingPage, CheckoutRequest, checkout, PortalRequest, portal } from "./checkout.js";
export { advanceDunning } from "./dunning.js";
export { Invoice, InvoicePage, listInvoices } from "./invoice.js";
export { syncSubscriptionJob } from "./job.js";
export { noticeMailJob, sendNotice } from "./notice.js";
export { ChangePreview, ChangePreviewed, changePlan, dropChange, PlanChange, previewChange } from "./plan-change.js";
export { billingHandlers, sync } from "./sync.js";

export const PlanRecord = z
  .object({
    code: SoldPlan,
    name: z.string(),
    prices: z.object({ month: Money, year: Money }),
    fee: z.int().meta({ description: "The platform's application fee on card payments, in basis points: 100 is 1 %" }),
    limits: Limits.meta({ description: "null: unlimited" }),
    features: z.array(z.enum(features)),
  })
  .meta({ id: "Plan" });

export const SubscriptionRecord = z
  .object({
    plan: z.enum(planCodes),
    interval: Interval.nullable(),
    status: z.enum(tenantStatuses).meta({ description: "The status of the tenant" }),
    access: z.enum(tenantAccesses).meta({
      description:
        "`full`: no restriction. `read_only`: members and keys can only read; shoppers can buy. `blocked`: the shop is closed and data can only be read; billing stays available",
    }),
    subscriptionStatus: z.string().nullable().meta({ description: "Stripe's status; null without a subscription" }),
    trialEndsAt: z.string().nullable(),
    currentPeriodEnd: z.string().nullable(),
    cancelAt: z.string().nullable(),
    owedSince: z.string().nullable(),
    nextStep: z
      .object({ kind: z.enum(stepKinds), at: z.string() })
      .nullable()
      .meta({ description: "The next step of dunning if the invoice stays unpaid" }),
    version: z.int(),
  })
  .meta({ id: "Subscription" });

export const billingEvents = [TenantStatusChanged, SubscriptionUpdated];

/** Plans that are for sale. */
export const listPlans = fn(z.void(), () => ({
  data: soldPlans.map((sold) => {
    const { code, name, prices, fee, features: included } = plans[sold];
    return { code: SoldPlan.parse(code), name, prices, fee, limits: limitsOf(plans[sold]), features: [...included] };
  }),
}));

/** The subscription of the caller's tenant, as Stripe's webhooks have reported it. */
export const get = fn(z.void(), async () => {
  const { row, tenant, now } = await loadAccount();
  const { dunning } = planOf(row.plan);
  const stand = billingStateOf(row, dunning, now);
  const step = row.plan === "sandbox" ? undefined : nextStep(stand, dunning, row.dunningStep);
  const { plan, interval, status, trialEndsAt, currentPeriodEnd, cancelAt, version } = row;
  return {
    plan,
    interval,
    status: tenant.status,
    access: tenant.access,
    subscriptionStatus: status,
    trialEndsAt,
    currentPeriodEnd,
    cancelAt,
    owedSince: stand.since !== null && Date.parse(stand.since) <= now ? stand.since : null,
    nextStep: step ? { kind: step.kind, at: step.at } : null,
    version,
  };
});

export { startTrial } from "./trial.js";
