import type Stripe from "stripe";
import { isGone, withRetry } from "../stripe/index.js";
import type { SubscriptionRow } from "./account.js";
import { offerOf } from "./price.js";

/** Stripe's state of a customer's subscription, in the columns of our row. */
export type SubscriptionSnapshot = Pick<
  SubscriptionRow,
  "subscription" | "plan" | "interval" | "status" | "currentPeriodEnd" | "cancelAt" | "pastDueSince"
>;

/**
 * Stripe's statuses by precedence: of several subscriptions the one whose status comes first counts. A subscription
 * with a status after `canceled` never began.
 */
const order = ["active", "trialing", "past_due", "unpaid", "paused", "canceled", "incomplete", "incomplete_expired"];
const rank = ({ status }: Stripe.Subscription) => (order.includes(status) ? order.indexOf(status) : order.length);
/** Whether a subscription will bring another payment by itself. */
const isRenewing = ({ status }: Stripe.Subscription) => order.indexOf(status) < order.indexOf("canceled");

/** Fetches all subscriptions of a customer, the one that counts first. */
export async function subscriptionsOf(stripe: Stripe, customer: string): Promise<Stripe.Subscription[]> {
  const { data } = await withRetry(() => stripe.subscriptions.list({ customer, status: "all", limit: 100 }));
  return data.toSorted((a, b) => rank(a) - rank(b) || b.created - a.created || (a.id < b.id ? -1 : 1));
}

/**
 * Whether Stripe has the customer of our row. A customer that was deleted stays readable; one that is unknown may belong
 * to another account, whose key is ours by mistake.
 */
export async function customerStateOf(stripe: Stripe, customer: string): Promise<"present" | "deleted" | "unknown"> {
  try {
    const { deleted } = await withRetry(() => stripe.customers.retrieve(customer));
    return deleted ? "deleted" : "present";
  } catch (error) {
    if (isGone(error)) return "unknown";
    throw error;
  }
}

export const renewingOf = (all: readonly Stripe.Subscription[]): Stripe.Subscription[] => all.filter(isRenewing);

/** An instant in the database's format, so that the row and Stripe's state can be compared as text. */
const instant = (seconds: number) => new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
const maybe = (seconds: number | null | undefined) => (seconds ? instant(seconds) : null);

/** The only item of a subscription, because a plan has one price. @throws Error for a subscription without an item */
export function itemOf({ id, items }: Stripe.Subscription): Stripe.SubscriptionItem {
  const [item] = items.data;
  if (!item) throw new Error(`The subscription ${id} has no item.`);
  return item;
}

/** The state that Stripe reported last, from the row. */
export const factsIn = (row: SubscriptionRow): SubscriptionSnapshot => {
  const { subscription, plan, interval, status, currentPeriodEnd, cancelAt, pastDueSince } = row;
  return { subscription, plan, interval, status, currentPeriodEnd, cancelAt, pastDueSince };
};

/** The state without a subscription, also when the first payment of one never came. */
const NO_SUBSCRIPTION: SubscriptionSnapshot = {
  subscription: null,
  plan: "trial",
  interval: null,
  status: null,
  currentPeriodEnd: null,
  cancelAt: null,
  pastDueSince: null,
};

/** Whether the row knows a subscription whose first payment has come, or that is on trial. */
export const hasBegun = ({ subscription, status }: SubscriptionRow): boolean =>
  subscription !== null && status !== null && !status.startsWith("incomplete");

/**
 * The state of a customer that has no subscription at Stripe, or was deleted: the subscription that our row knows has
 * ended. What was owed is still owed.
 */
export const endedSnapshot = (row: SubscriptionRow): SubscriptionSnapshot =>
  hasBegun(row) ? { ...factsIn(row), status: "canceled", cancelAt: null } : NO_SUBSCRIPTION;

/** Reads the state of the subscription that counts, the first of `all`, and asks Stripe for its open invoices. */
export async function snapshotOf(stripe: Stripe, all: readonly Stripe.Subscription[]): Promise<SubscriptionSnapshot> {
  const [subscription] = all;
  if (!subscription || subscription.status === "incomplete_expired") return NO_SUBSCRIPTION;
  const { id, status, cancel_at: cancelAt, cancel_at_period_end: atEnd } = subscription;
  if (status === "incomplete") return { ...NO_SUBSCRIPTION, subscription: id, status };
  const { current_period_end: end, price } = itemOf(subscription);
  const ended = status === "canceled";
  return {
    subscription: id,
    ...offerOf(price),
    status,
    currentPeriodEnd: instant(end),
    cancelAt: ended ? null : maybe(cancelAt ?? (atEnd ? end : null)),
    pastDueSince: maybe(await owedSince(stripe, subscription)),
  };
}

/**
 * The instant since which a payment is owed, in Unix seconds: the age of the oldest open invoice, so that a lost
 * webhook does not move the first day of dunning. A tenant that canceled owes nothing more; a subscription that Stripe
 * canceled for a failed or disputed payment is still owed.
 */
async function owedSince(stripe: Stripe, subscription: Stripe.Subscription): Promise<number | null> {
  const { id, status, trial_end: trialEnd, ended_at: endedAt, cancellation_details: why } = subscription;
  const { current_period_start: start } = itemOf(subscription);
  if (status === "paused") return trialEnd ?? start;
  const dropped = status === "canceled" && ["payment_failed", "payment_disputed"].includes(why?.reason ?? "");
  if (status !== "past_due" && status !== "unpaid" && !dropped) return null;
  const { data } = await withRetry(() => stripe.invoices.list({ subscription: id, status: "open", limit: 100 }));
  const ages = data.map(({ created, status_transitions: moved }) => moved.finalized_at ?? created);
  return ages.length > 0 ? Math.min(...ages) : (endedAt ?? start);
}
