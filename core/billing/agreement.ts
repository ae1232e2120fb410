import type Stripe from "stripe";
import * as z from "zod";
import { planCodes } from "../entitlement/entitlement.sql.js";
import { Interval, SoldPlan } from "../entitlement/index.js";
import { conflict } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { isGone } from "../stripe/index.js";
import { loadLiveAccount } from "./account.js";
import { afterCommitAtStripe, idempotencyKeyOf, withIdempotencyKey } from "./call.js";
import { findCustomer } from "./customer.js";
import { dropPendingChange, type PendingChange } from "./pending-change.js";
import { hasBegun, renewingOf, snapshotOf, subscriptionsOf } from "./stripe-subscription.js";
import { sync } from "./sync.js";

/** The subscription that Stripe has agreed to. The row of ours follows by webhook. */
export const AgreedSubscription = z
  .object({
    plan: z.enum(planCodes),
    interval: Interval.nullable(),
    status: z.string().nullable().meta({
      description:
        "Stripe's status of the subscription; `requires_payment_action` when the payer has to confirm the payment at `url` before the plan changes",
    }),
    currentPeriodEnd: z.string().nullable(),
    cancelAt: z.string().nullable(),
    url: z.string().nullable().meta({ description: "The page at Stripe on which the payer confirms the payment" }),
    pendingChange: z
      .object({ plan: SoldPlan, interval: Interval, expiresAt: z.string() })
      .nullable()
      .meta({ description: "The change that takes effect when the payment is confirmed, until `expiresAt`" }),
  })
  .meta({
    id: "AgreedSubscription",
    description: "The subscription at Stripe after the change. The tenant's status follows by webhook",
  });
type Agreed = z.output<typeof AgreedSubscription>;

const notSubscribed = () =>
  conflict("billing.not_subscribed", "The tenant has no subscription. Start one at `POST /v1/billing/checkout`.");

/**
 * Fetches the subscription that brings payments from Stripe. A customer or subscription that Stripe does not have any
 * more has ended, and our row is corrected.
 * @throws Failure conflict `billing.not_subscribed`
 */
export async function requireSubscription() {
  const { stripe, customer } = await findCustomer(await loadLiveAccount());
  const [subscription] =
    customer === undefined ? [] : renewingOf(await orEnded(() => subscriptionsOf(stripe, customer)));
  if (!subscription) throw notSubscribed();
  return { stripe, subscription };
}

async function orEnded<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!isGone(error)) throw error;
    await sync();
    const { row } = await loadLiveAccount();
    throw hasBegun(row) && row.status !== "canceled" ? error : notSubscribed();
  }
}

/** @param pending the change that waits for its payment */
export async function toAgreed(
  stripe: Stripe,
  subscription: Stripe.Subscription,
  pending?: PendingChange,
): Promise<Agreed> {
  const { plan, interval, status, currentPeriodEnd, cancelAt } = await snapshotOf(stripe, [subscription]);
  const agreed = { plan, interval, status, currentPeriodEnd, cancelAt, url: null, pendingChange: null };
  if (!pending) return agreed;
  const { url, plan: next, interval: every, expiresAt } = pending;
  const pendingChange = { plan: next, interval: every, expiresAt };
  return { ...agreed, status: "requires_payment_action", url, pendingChange };
}

/** Updates a subscription at Stripe. @throws Failure conflict `billing.not_subscribed` when it is gone */
export const updateSubscription = (
  stripe: Stripe,
  { id }: Stripe.Subscription,
  params: Stripe.SubscriptionUpdateParams,
): Promise<Stripe.Subscription> =>
  withIdempotencyKey(idempotencyKeyOf("update", id, params), (options) =>
    stripe.subscriptions.update(id, params, options),
  );

/** Changes the end of the subscription; a change of plan that waits for its payment is dropped. */
async function updateEnd(stripe: Stripe, subscription: Stripe.Subscription, params: Stripe.SubscriptionUpdateParams) {
  await dropPendingChange(stripe, subscription);
  return toAgreed(stripe, await orEnded(() => updateSubscription(stripe, subscription, params)));
}

/**
 * Ends the subscription together with the period that is paid for; until then nothing changes.
 * @throws Failure conflict `billing.test_mode` or `billing.not_subscribed`
 */
export const cancel = fn(z.void(), () =>
  afterCommitAtStripe(async () => {
    const { stripe, subscription } = await requireSubscription();
    if (subscription.cancel_at !== null || subscription.cancel_at_period_end) return toAgreed(stripe, subscription);
    return updateEnd(stripe, subscription, { cancel_at_period_end: true });
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
    return updateEnd(stripe, subscription, atEnd ? { cancel_at_period_end: false } : { cancel_at: "" });
  }),
);
