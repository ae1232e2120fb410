import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { Incident } from "../incident/index.js";
import { db } from "../kernel/db.js";
import { defineJob } from "../kernel/job/index.js";
import { type StripeHandler, stripeFor } from "../stripe/index.js";
import { loadAccount, type SubscriptionRow, unchanged } from "./account.js";
import { applySnapshot, lockAccount } from "./apply.js";
import { renewingOf, type SubscriptionSnapshot, snapshotOf, subscriptionsOf } from "./stripe-subscription.js";

/**
 * Attempts of one sync. The second one follows another write in between; further ones are needed only when Stripe
 * answers very slowly.
 */
const ATTEMPTS = 5;

/**
 * Updates the row of the actor's tenant to Stripe's state. The version is read before Stripe is asked and compared when
 * the answer is written: a sync that finds another version asks again, unless the row's state was asked for after this
 * sync had begun. So the number and the order of webhooks do not matter, as long as one sync follows the last change,
 * by a webhook or by a regular check.
 * @returns whether the tenant has a customer at Stripe
 * @throws OutcomeUnknown when Stripe does not answer, Error when the row changed during every attempt
 */
export async function sync(): Promise<boolean> {
  let began: string | null = null;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const { row, at, isFresh } = await loadAccount(began);
    if (isFresh) return true;
    began ??= at;
    if (row.customer === null || row.livemode === null) return false;
    const stripe = await stripeFor(row.livemode);
    const all = await subscriptionsOf(stripe, row.customer);
    const told = { facts: await snapshotOf(stripe, all), alive: renewingOf(all), askedAt: at };
    if (await db((tx) => writeSnapshot(tx, row, told))) return true;
  }
  throw new Error("The subscription changed during every attempt to read it.");
}

interface FetchedSubscription {
  facts: SubscriptionSnapshot;
  alive: readonly { id: string }[];
  askedAt: string;
}

/** @returns false when the row has another version by now */
async function writeSnapshot(
  tx: Tx,
  row: SubscriptionRow,
  { facts, alive, askedAt }: FetchedSubscription,
): Promise<boolean> {
  const held = await lockAccount(tx, unchanged(row));
  if (!held) return false;
  await applySnapshot(tx, held, facts, { steps: held.row.dunningStep, askedAt });
  const [, ...surplus] = alive.map(({ id }) => id);
  // A person decides which of several subscriptions ends, and how much is refunded.
  if (surplus.length > 0) await Incident.open("billing.subscribed_twice", `${row.customer}`, { surplus });
  return true;
}

/** Asks Stripe at a regular check, for changes whose webhooks were lost. */
export const syncSubscriptionJob = defineJob("billing.sync", z.object({}));

/** Each of these events runs the same sync: its own data are not used, because the state is fetched from Stripe. */
export const billingHandlers: readonly StripeHandler[] = [
  {
    name: "billing.subscription",
    endpoint: "platform",
    types: [
      "checkout.session.async_payment_failed",
      "checkout.session.async_payment_succeeded",
      "checkout.session.completed",
      "checkout.session.expired",
      "customer.deleted",
      "customer.subscription.created",
      "customer.subscription.deleted",
      "customer.subscription.paused",
      "customer.subscription.pending_update_applied",
      "customer.subscription.pending_update_expired",
      "customer.subscription.resumed",
      "customer.subscription.trial_will_end",
      "customer.subscription.updated",
      "invoice.finalized",
      "invoice.marked_uncollectible",
      "invoice.paid",
      "invoice.payment_action_required",
      "invoice.payment_failed",
      "invoice.payment_succeeded",
      "invoice.updated",
      "invoice.voided",
    ],
    run: sync,
  },
];
