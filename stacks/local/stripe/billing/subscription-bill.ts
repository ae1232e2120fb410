import type Stripe from "stripe";
import type { Store } from "../engine/engine.js";
import { dateText, type Period, remaining } from "./period.js";
import { priceText } from "./price.js";
import { amountOf } from "./subscription-shape.js";

/** The debit or credit of a subscription item on an invoice line. */
export interface Bill {
  readonly amount: number;
  readonly description: string;
  readonly item: Stripe.SubscriptionItem;
  readonly period: Period;
  readonly proration: boolean;
  readonly credited?: Credited;
}
/** The invoice lines or the pending invoice item that a credit reverses. */
type Credited = Stripe.InvoiceItem.ProrationDetails.CreditedItems;

interface Debit {
  readonly amount: number;
  readonly period: Period;
  readonly credited: Credited;
}

export function productName(store: Store, price: Stripe.Price): string {
  const product = store.find("product", String(price.product));
  return product && !product.deleted ? product.name : String(price.product);
}

const named = (store: Store, { price, quantity = 1 }: Stripe.SubscriptionItem) =>
  quantity === 1 ? productName(store, price) : `${quantity} × ${productName(store, price)}`;

const periodOf = (item: Stripe.SubscriptionItem): Period => ({
  start: item.current_period_start,
  end: item.current_period_end,
});

/** The debit of an item for a whole period; zero during a trial. */
export function cycleBill(store: Store, item: Stripe.SubscriptionItem, trial = false): Bill {
  const name = `${item.quantity ?? 1} × ${productName(store, item.price)}`;
  return {
    amount: trial ? 0 : amountOf(item),
    description: trial ? `Free trial for ${name}` : `${name} (at ${priceText(item.price)})`,
    item,
    period: periodOf(item),
    proration: false,
  };
}

/** The prorated debit of an item that was added or changed within its period. */
export function remainingBill(store: Store, item: Stripe.SubscriptionItem, at: number): Bill {
  const period = periodOf(item);
  return {
    amount: remaining(amountOf(item), period, at),
    description: `Remaining time on ${named(store, item)} after ${dateText(at)}`,
    item,
    period: { start: Math.max(at, period.start), end: period.end },
    proration: true,
  };
}

const subscriptionOf = ({ parent }: Stripe.Invoice) => parent?.subscription_details?.subscription;

/** The invoices of a subscription, newest first. */
export function invoicesOf(store: Store, { id, customer }: Stripe.Subscription): Stripe.Invoice[] {
  const invoices = store.by("invoice", "customer", String(customer));
  return invoices.filter((invoice) => subscriptionOf(invoice) === id).toReversed();
}

/** Pending invoice items of a subscription, and those of its customer without a subscription. */
export function pendingItems(store: Store, { id, customer }: Stripe.Subscription): Stripe.InvoiceItem[] {
  return store.by("invoiceitem", "customer", String(customer)).filter(({ invoice, parent }) => {
    const subscription = parent?.subscription_details?.subscription ?? id;
    return invoice === null && subscription === id;
  });
}

/** Debits of the item for the time after `at`, newest first. */
function* debits(store: Store, subscription: Stripe.Subscription, item: string): Generator<Debit> {
  for (const { id, amount, period, parent } of pendingItems(store, subscription).toReversed())
    if (parent?.subscription_details?.subscription_item === item)
      yield { amount, period, credited: { type: "invoice_item", invoice_item: id } };
  for (const { id: invoice, status, lines } of invoicesOf(store, subscription)) {
    if (status === "void") continue;
    for (const { id, amount, period, parent } of lines.data.toReversed()) {
      if (parent?.subscription_item_details?.subscription_item !== item) continue;
      const invoice_line_item_details = { invoice, invoice_line_items: [id] };
      yield { amount, period, credited: { type: "invoice_line_items", invoice_line_item_details } };
    }
  }
}

/**
 * Gives back what was debited for the time after `at`: the amount of that debit, not today's price.
 * @see https://docs.stripe.com/billing/subscriptions/billing-mode/compare#credit-proration-calculations
 */
export function unusedBill(
  store: Store,
  subscription: Stripe.Subscription,
  item: Stripe.SubscriptionItem,
  at: number,
): Bill[] {
  for (const { amount, period, credited } of debits(store, subscription, item.id)) {
    if (amount <= 0 || period.start > at || period.end <= at) continue;
    const description = `Unused time on ${named(store, item)} after ${dateText(at)}`;
    const back = { start: at, end: period.end };
    return [{ amount: -remaining(amount, period, at), description, item, period: back, proration: true, credited }];
  }
  return [];
}
