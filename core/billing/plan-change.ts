import type Stripe from "stripe";
import * as z from "zod";
import { planCodes } from "../entitlement/entitlement.sql.js";
import { Interval, SoldPlan } from "../entitlement/index.js";
import { Instant, toUtc } from "../kernel/clock.js";
import { conflict } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { instantOf } from "../stripe/index.js";
import { loadLiveAccount } from "./account.js";
import { afterCommitAtStripe, idempotencyKeyOf, withIdempotencyKey } from "./call.js";
import { findCustomer } from "./customer.js";
import { moneyOf } from "./invoice.js";
import { findOrCreatePrice, type Offer, offerOf } from "./price.js";
import { itemOf, renewingOf, snapshotOf, subscriptionsOf } from "./stripe-subscription.js";

const offer = { plan: SoldPlan, interval: Interval };
const ProrationDate = Instant.meta({
  description: "The instant from which the new plan is charged, taken from a preview; precise to the second",
  examples: ["2026-11-23T12:00:00Z"],
});
export const ChangePreview = z.strictObject(offer);
export const PlanChange = z.strictObject({ ...offer, prorationDate: ProrationDate.optional() });

/** The subscription that Stripe has agreed to. The row of ours follows by webhook. */
export const AgreedSubscription = z
  .object({
    plan: z.enum(planCodes),
    interval: Interval.nullable(),
    status: z.string().nullable().meta({ description: "Stripe's status of the subscription" }),
    currentPeriodEnd: z.string().nullable(),
    cancelAt: z.string().nullable(),
  })
  .meta({
    id: "AgreedSubscription",
    description: "The subscription at Stripe after the change. The tenant's status follows by webhook",
  });

/** Fetches the subscription that brings payments from Stripe. @throws Failure conflict `billing.not_subscribed` */
async function requireSubscription() {
  const { stripe, customer } = await findCustomer(await loadLiveAccount());
  const [subscription] = customer === undefined ? [] : renewingOf(await subscriptionsOf(stripe, customer));
  if (!subscription)
    throw conflict(
      "billing.not_subscribed",
      "The tenant has no subscription. Start one at `POST /v1/billing/checkout`.",
    );
  return { stripe, subscription };
}

async function toAgreed(
  stripe: Stripe,
  subscription: Stripe.Subscription,
): Promise<z.output<typeof AgreedSubscription>> {
  const { plan, interval, status, currentPeriodEnd, cancelAt } = await snapshotOf(stripe, [subscription]);
  return { plan, interval, status, currentPeriodEnd, cancelAt };
}

const update = async (stripe: Stripe, { id }: Stripe.Subscription, params: Stripe.SubscriptionUpdateParams) =>
  toAgreed(
    stripe,
    await withIdempotencyKey(idempotencyKeyOf("update", id, params), (options) =>
      stripe.subscriptions.update(id, params, options),
    ),
  );

/** Stripe invoices each change at once and subtracts the paid time that is not used (proration). */
const proration_behavior = "always_invoice" as const;
const seconds = (instant: string) => Math.floor(Date.parse(toUtc(instant)) / 1000);
const hasOffer = ({ plan, interval }: Offer, subscription: Stripe.Subscription) => {
  const now = offerOf(itemOf(subscription).price);
  return now.plan === plan && now.interval === interval;
};

/**
 * Calculates the cost of a change of plan now, line by line, and the instant that the proration counts from.
 * @throws Failure conflict `billing.test_mode` or `billing.not_subscribed`
 */
export const previewChange = fn(ChangePreview, (wanted) =>
  afterCommitAtStripe(async () => {
    const { stripe, subscription } = await requireSubscription();
    const items = [{ id: itemOf(subscription).id, price: await findOrCreatePrice(stripe, wanted) }];
    const params = {
      subscription: subscription.id,
      subscription_details: { items, proration_behavior },
    } satisfies Stripe.InvoiceCreatePreviewParams;
    const invoice = await withIdempotencyKey(idempotencyKeyOf("preview", params), (options) =>
      stripe.invoices.createPreview(params, options),
    );
    const at = invoice.parent?.subscription_details?.subscription_proration_date ?? invoice.created;
    const money = (amount: number) => moneyOf(amount, invoice.currency);
    return {
      ...wanted,
      prorationDate: instantOf(at),
      lines: invoice.lines.data.map(({ description, amount, period }) => ({
        description: description ?? "",
        amount: money(amount),
        periodStart: instantOf(period.start),
        periodEnd: instantOf(period.end),
      })),
      total: money(invoice.total),
      amountDue: money(invoice.amount_due),
    };
  }),
);

/**
 * Changes the plan at once, to a higher or a lower one: Stripe charges the difference now, or credits it to the next
 * invoices. A payment that is declined changes nothing.
 * @throws Failure conflict `billing.test_mode`, `billing.not_subscribed`, `billing.payment_owed` or
 * `billing.payment_declined`
 */
export const changePlan = fn(PlanChange, ({ prorationDate, ...wanted }) =>
  afterCommitAtStripe(async () => {
    const { stripe, subscription } = await requireSubscription();
    if (hasOffer(wanted, subscription)) return toAgreed(stripe, subscription);
    if (subscription.status !== "active" && subscription.status !== "trialing")
      throw conflict("billing.payment_owed", "An invoice is unpaid. Pay it before changing the plan.");
    return update(stripe, subscription, {
      items: [{ id: itemOf(subscription).id, price: await findOrCreatePrice(stripe, wanted) }],
      proration_behavior,
      payment_behavior: "error_if_incomplete",
      ...(prorationDate && { proration_date: seconds(prorationDate) }),
    });
  }),
);

/**
 * Ends the subscription together with the period that is paid for; until then nothing changes.
 * @throws Failure conflict `billing.test_mode` or `billing.not_subscribed`
 */
export const cancel = fn(z.void(), () =>
  afterCommitAtStripe(async () => {
    const { stripe, subscription } = await requireSubscription();
    if (subscription.cancel_at !== null || subscription.cancel_at_period_end) return toAgreed(stripe, subscription);
    return update(stripe, subscription, { cancel_at_period_end: true });
  }),
);

/**
 * Takes back a cancellation that has not come into effect.
 * @throws Failure conflict `billing.test_mode` or `billing.not_subscribed`
 */
export const resume = fn(z.void(), () =>
  afterCommitAtStripe(async () => {
    const { stripe, subscription } = await requireSubscription();
    const { cancel_at: at, cancel_at_period_end: atEnd } = subscription;
    if (at === null && !atEnd) return toAgreed(stripe, subscription);
    return update(stripe, subscription, atEnd ? { cancel_at_period_end: false } : { cancel_at: "" });
  }),
);
