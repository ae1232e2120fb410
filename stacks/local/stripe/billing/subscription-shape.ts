import type Stripe from "stripe";
import type { Store } from "../engine/engine.js";
import { type Period, periodAt } from "./period.js";
import { wireDecimal } from "./price.js";

/** The legacy plan of a price, which subscription items still carry. */
function planOf(price: Stripe.Price): Stripe.Plan {
  return {
    id: price.id,
    object: "plan",
    active: price.active,
    amount: price.unit_amount,
    amount_decimal: wireDecimal(price.unit_amount ?? 0),
    billing_scheme: "per_unit",
    created: price.created,
    currency: price.currency,
    interval: price.recurring?.interval ?? "month",
    interval_count: price.recurring?.interval_count ?? 1,
    livemode: price.livemode,
    metadata: price.metadata,
    meter: null,
    nickname: price.nickname,
    product: price.product,
    tiers_mode: null,
    transform_usage: null,
    trial_period_days: price.recurring?.trial_period_days ?? null,
    usage_type: "licensed",
  };
}

export interface ItemFields {
  readonly price: Stripe.Price;
  readonly quantity: number;
  readonly metadata: Record<string, string>;
}

export function newItem(
  store: Store,
  subscription: string,
  { price, quantity, metadata }: ItemFields,
  { start, end }: Period,
): Stripe.SubscriptionItem {
  return {
    id: store.id("si"),
    object: "subscription_item",
    billing_thresholds: null,
    created: store.now,
    current_period_end: end,
    current_period_start: start,
    current_trial: null,
    discounts: [],
    metadata,
    plan: planOf(price),
    price,
    quantity,
    subscription,
    tax_rates: [],
  };
}

export const withPrice = (item: Stripe.SubscriptionItem, price: Stripe.Price): Stripe.SubscriptionItem => ({
  ...item,
  price,
  plan: planOf(price),
});

export const withPeriod = (item: Stripe.SubscriptionItem, { start, end }: Period): Stripe.SubscriptionItem => ({
  ...item,
  current_period_start: start,
  current_period_end: end,
});

export const itemList = (subscription: string, data: Stripe.SubscriptionItem[]) => ({
  object: "list" as const,
  data,
  has_more: false,
  url: `/v1/subscription_items?subscription=${subscription}`,
});

/** A subscription whose items carry the current state of their prices. */
export function fresh(store: Store, subscription: Stripe.Subscription): Stripe.Subscription {
  const data = subscription.items.data.map((item) => withPrice(item, store.find("price", item.price.id) ?? item.price));
  return { ...subscription, items: itemList(subscription.id, data) };
}

/** The period of an item that holds `at`. */
export const cycleAt = (anchor: number, { recurring }: Stripe.Price, at: number): Period =>
  periodAt(anchor, recurring ?? { interval: "month", interval_count: 1 }, at);

export const firstEnd = ({ items }: Stripe.Subscription) =>
  Math.min(...items.data.map((item) => item.current_period_end));
export const lastEnd = ({ items }: Stripe.Subscription) =>
  Math.max(...items.data.map((item) => item.current_period_end));
export const amountOf = ({ price, quantity }: { price: Stripe.Price; quantity?: number }) =>
  (price.unit_amount ?? 0) * (quantity ?? 1);

/** The fields of a subscription that its creation sets. */
export type SubscriptionFields = Pick<
  Stripe.Subscription,
  "billing_cycle_anchor" | "currency" | "customer" | "items" | "metadata" | "status"
> &
  Partial<Stripe.Subscription>;

/** Fields that all new subscriptions have in common, unless their creation sets them. */
const blank = {
  application: null,
  application_fee_percent: null,
  automatic_tax: { disabled_reason: null, enabled: false, liability: null },
  billing_cycle_anchor_config: null,
  billing_schedules: [],
  billing_thresholds: null,
  cancel_at: null,
  cancel_at_period_end: false,
  canceled_at: null,
  cancellation_details: { comment: null, feedback: null, feedback_option: null, reason: null },
  collection_method: "charge_automatically",
  customer_account: null,
  days_until_due: null,
  default_payment_method: null,
  default_source: null,
  default_tax_rates: [],
  description: null,
  discounts: [],
  ended_at: null,
  invoice_settings: {
    account_tax_ids: null,
    custom_fields: null,
    description: null,
    footer: null,
    issuer: { type: "self" },
  },
  latest_invoice: null,
  managed_payments: { enabled: false },
  next_pending_invoice_item_invoice: null,
  on_behalf_of: null,
  pause_collection: null,
  payment_settings: {
    payment_method_options: null,
    payment_method_types: null,
    save_default_payment_method: "off",
  },
  pending_invoice_item_interval: null,
  pending_setup_intent: null,
  pending_update: null,
  schedule: null,
  test_clock: null,
  transfer_data: null,
  trial_end: null,
  trial_settings: { end_behavior: { billing_cycle_anchor: null, missing_payment_method: "create_invoice" } },
  trial_start: null,
} satisfies Partial<Stripe.Subscription>;

export function newSubscription(store: Store, id: string, fields: SubscriptionFields): Stripe.Subscription {
  return {
    id,
    object: "subscription",
    ...blank,
    billing_mode: { flexible: { proration_discounts: "included" }, type: "flexible", updated_at: store.now },
    created: store.now,
    livemode: store.livemode,
    start_date: store.now,
    ...fields,
  };
}
