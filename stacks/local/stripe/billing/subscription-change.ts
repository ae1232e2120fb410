import type Stripe from "stripe";
import { z } from "zod";
import type { Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { flag, merge, metadata, natural, oneOf, text, timestamp } from "../engine/shape.js";
import { boundary, type Period } from "./period.js";
import { type Bill, cycleBill, remainingBill, unusedBill } from "./subscription-bill.js";
import { cycleAt, firstEnd, newItem, withPeriod, withPrice } from "./subscription-shape.js";

export const changedItem = z.strictObject({
  id: text.optional(),
  deleted: flag.optional(),
  metadata: metadata.optional(),
  price: text.optional(),
  quantity: natural.optional(),
});
export const prorationBehavior = oneOf("create_prorations", "always_invoice", "none");
export const anchorChange = z.strictObject({ type: oneOf("now", "unchanged") });
export const trialEnd = z.union([z.literal("now"), timestamp]);

type ItemParams = z.output<typeof changedItem>;
export interface ChangeParams {
  readonly items?: readonly ItemParams[] | undefined;
  readonly proration_behavior?: z.output<typeof prorationBehavior> | undefined;
  readonly proration_date?: number | undefined;
  readonly billing_cycle_anchor?: z.output<typeof anchorChange> | undefined;
  readonly trial_end?: "now" | number | undefined;
}

/** The result of a change: items, fields, prorations and the lines of a new cycle. */
export interface Change {
  readonly items: Stripe.SubscriptionItem[];
  readonly prorations: Bill[];
  /** The lines of a cycle that the change starts; none when the cycle continues. */
  readonly cycle: Bill[];
  readonly fields: Partial<Stripe.Subscription>;
}
interface Pair {
  readonly before: Stripe.SubscriptionItem | undefined;
  readonly after: Stripe.SubscriptionItem | undefined;
}

/** @throws Failure for a price that is inactive or not recurring */
export function recurringPrice(store: Store, id: string | undefined, param: string): Stripe.Price {
  if (id === undefined) throw refused(`Missing required param: ${param}.`, { code: "parameter_missing", param });
  const price = store.get("price", id, param);
  if (!price.active)
    throw refused("The price specified is inactive. This field only accepts active prices.", { param });
  if (price.type === "recurring") return price;
  throw refused(
    "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.",
    { param },
  );
}

/** @throws Failure for items that one subscription cannot combine */
export function checkItems(items: readonly { readonly price: Stripe.Price }[]) {
  const [first] = items;
  if (!first) throw refused("A subscription must have at least one active plan.", { param: "items" });
  if (items.length > 20) throw refused("A subscription can have up to 20 items.", { param: "items" });
  for (const { price } of items)
    if (price.currency !== first.price.currency)
      throw refused(
        `The price specified only supports \`${price.currency}\`. This doesn't match the expected currency: \`${first.price.currency}\`.`,
        { param: "items" },
      );
  const prices = new Set(items.map(({ price }) => price.id));
  if (prices.size < items.length)
    throw refused("Cannot add multiple subscription items with the same plan.", { param: "items" });
}

function changed(store: Store, item: Stripe.SubscriptionItem, params: ItemParams, param: string) {
  const price = params.price === undefined ? item.price : recurringPrice(store, params.price, `${param}[price]`);
  const quantity = params.quantity ?? item.quantity ?? 1;
  return { ...withPrice(item, price), quantity, metadata: merge(item.metadata, params.metadata) };
}

/** Pairs of old and new items: unnamed items stay, an item without an id is added. */
function pairs(store: Store, subscription: Stripe.Subscription, items: readonly ItemParams[]): Pair[] {
  const named = new Map(items.map((params, at) => [params.id, { params, param: `items[${at}]` }]));
  const known = subscription.items.data.map((before): Pair => {
    const { params, param } = named.get(before.id) ?? { params: {}, param: "" };
    return { before, after: params.deleted ? undefined : changed(store, before, params, param) };
  });
  const added = items.flatMap(({ id, price, quantity = 1, metadata }, at): Pair[] => {
    const param = `items[${at}]`;
    if (id !== undefined && !subscription.items.data.some((item) => item.id === id))
      throw refused(`No such subscription item: '${id}'`, { code: "resource_missing", param: `${param}[id]` });
    if (id !== undefined) return [];
    const fields = { price: recurringPrice(store, price, `${param}[price]`), quantity, metadata: merge({}, metadata) };
    return [{ before: undefined, after: newItem(store, subscription.id, fields, { start: 0, end: 0 }) }];
  });
  const result = [...known, ...added];
  checkItems(result.flatMap(({ after }) => after ?? []));
  return result;
}

const differs = ({ before, after }: Pair) =>
  before?.price.id !== after?.price.id || before?.quantity !== after?.quantity;

const isTrialing = ({ status }: Stripe.Subscription) => status === "trialing";

/** A change within the cycle, prorated from `at` to the end of the period. */
function keepCycle(
  store: Store,
  subscription: Stripe.Subscription,
  given: Pair[],
  prorate: boolean,
  at: number,
): Change {
  const { start, end } = { start: subscription.trial_start ?? at, end: subscription.trial_end ?? at };
  const trial = isTrialing(subscription);
  const settled = given.map(({ before, after }): Pair => {
    if (!after || (before && before.price.id === after.price.id)) return { before, after };
    const period = trial ? { start, end } : cycleAt(subscription.billing_cycle_anchor, after.price, at);
    return { before, after: withPeriod(after, period) };
  });
  const prorations = settled
    .filter((pair) => prorate && !trial && differs(pair))
    .flatMap(({ before, after }) => [
      ...(before ? unusedBill(store, subscription, before, at) : []),
      ...(after ? [remainingBill(store, after, at)] : []),
    ]);
  return { items: settled.flatMap(({ after }) => after ?? []), prorations, cycle: [], fields: {} };
}

/** A change that starts a new cycle, now or with the end of a trial: the unused time is credited. */
function restartCycle(
  store: Store,
  subscription: Stripe.Subscription,
  given: Pair[],
  prorate: boolean,
  trial_end: number | undefined,
): Change {
  const { now } = store;
  const was = isTrialing(subscription);
  const before = given.flatMap((pair) => pair.before ?? []);
  const prorations = prorate && !was ? before.flatMap((item) => unusedBill(store, subscription, item, now)) : [];
  const periodOf = (item: Stripe.SubscriptionItem): Period =>
    trial_end === undefined
      ? { start: now, end: boundary(now, item.price.recurring ?? monthly, 1) }
      : { start: (was && subscription.trial_start) || now, end: trial_end };
  const items = given.flatMap(({ after }) => (after ? [withPeriod(after, periodOf(after))] : []));
  const cycle =
    was && trial_end !== undefined ? [] : items.map((item) => cycleBill(store, item, trial_end !== undefined));
  const fields: Partial<Stripe.Subscription> =
    trial_end === undefined
      ? { billing_cycle_anchor: now, ...(was && { trial_end: now, status: "active" }) }
      : {
          billing_cycle_anchor: trial_end,
          trial_end,
          trial_start: (was && subscription.trial_start) || now,
          status: "trialing",
        };
  return { items, prorations, cycle, fields };
}
const monthly = { interval: "month", interval_count: 1 };

/** The change that `params` make to a subscription; nothing is stored. @throws Failure */
export function planChange(store: Store, subscription: Stripe.Subscription, params: ChangeParams): Change {
  const given = pairs(store, subscription, params.items ?? []);
  const prorate = params.proration_behavior !== "none";
  const { trial_end, proration_date: at = store.now } = params;
  if (typeof trial_end === "number" && trial_end <= store.now)
    throw refused("Invalid timestamp: must be an integer Unix timestamp in the future.", { param: "trial_end" });
  const ends = trial_end === "now" && isTrialing(subscription);
  if (typeof trial_end === "number") return restartCycle(store, subscription, given, prorate, trial_end);
  if (ends || params.billing_cycle_anchor?.type === "now")
    return restartCycle(store, subscription, given, prorate, undefined);
  const start = Math.min(...subscription.items.data.map((item) => item.current_period_start));
  if (at < start || at > firstEnd(subscription))
    throw refused("Cannot specify proration date outside of current subscription period.", {
      param: "proration_date",
    });
  return keepCycle(store, subscription, given, prorate, at);
}
