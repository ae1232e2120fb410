import type { Tx } from "../../drizzle/tenant.js";
import { Incident } from "../incident/index.js";
import { db } from "../kernel/db.js";
import { isGone, type StripeHandler, stripeFor, syncFromProvider } from "../stripe/index.js";
import { loadAccount, type SubscriptionRow, unchanged } from "./account.js";
import { applySnapshot, lockAccount } from "./snapshot.js";
import {
  customerStateOf,
  endedSnapshot,
  factsIn,
  hasBegun,
  renewingOf,
  type SubscriptionSnapshot,
  snapshotOf,
  subscriptionsOf,
} from "./stripe-subscription.js";

/**
 * Updates the row of the actor's tenant to Stripe's state. A sync that finds another version asks again, unless the row's
 * state was asked for after this sync had begun.
 * @returns whether the tenant has a customer at Stripe
 * @throws OutcomeUnknown when Stripe does not answer
 */
export function sync(): Promise<boolean> {
  let began: string | null = null;
  return syncFromProvider<BilledRow, FetchedSubscription, boolean>({
    name: "subscription",
    load: async () => {
      const { row, at, isFresh } = await loadAccount(began);
      began ??= at;
      if (isFresh) return { result: true };
      const { customer, livemode } = row;
      return customer === null || livemode === null ? { result: false } : { known: { row, at, customer, livemode } };
    },
    fetch: ({ row, at, customer, livemode }) => fetchSubscription(row, at, customer, livemode),
    write: ({ row }, fetched) => db((tx) => writeSnapshot(tx, row, fetched)),
  });
}

interface BilledRow {
  row: SubscriptionRow;
  /** When the row was read, by the clock of the database. */
  at: string;
  customer: string;
  livemode: boolean;
}

interface FetchedSubscription {
  facts: SubscriptionSnapshot;
  alive: readonly { id: string }[];
  askedAt: string;
  /** Stripe does not know the customer, although our row has a subscription of it: the state stays as it is. */
  isUnknown?: boolean;
}

async function fetchSubscription(
  row: SubscriptionRow,
  askedAt: string,
  customer: string,
  livemode: boolean,
): Promise<FetchedSubscription> {
  const stripe = await stripeFor(livemode);
  const all = await subscriptionsOf(stripe, customer).catch((error: unknown) => {
    if (isGone(error)) return [];
    throw error;
  });
  if (all.length > 0) return { facts: await snapshotOf(stripe, all), alive: renewingOf(all), askedAt };
  const isUnknown = hasBegun(row) && (await customerStateOf(stripe, customer)) === "unknown";
  return { facts: isUnknown ? factsIn(row) : endedSnapshot(row), alive: [], askedAt, isUnknown };
}

/** @returns undefined when the row has another version by now */
async function writeSnapshot(tx: Tx, row: SubscriptionRow, fetched: FetchedSubscription) {
  const { facts, alive, askedAt, isUnknown } = fetched;
  const held = await lockAccount(tx, unchanged(row));
  if (!held) return undefined;
  await applySnapshot(tx, held, facts, { steps: held.row.dunningStep, askedAt });
  // A person decides whether the customer is gone, or our key is one of another account.
  if (isUnknown) await Incident.open("billing.customer_unknown", `${row.customer}`, { subscription: row.subscription });
  const [, ...surplus] = alive.map(({ id }) => id);
  // A person decides which of several subscriptions ends, and how much is refunded.
  if (surplus.length > 0) await Incident.open("billing.subscribed_twice", `${row.customer}`, { surplus });
  return { result: true };
}

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
