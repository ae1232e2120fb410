import type Stripe from "stripe";
import type { Store } from "../engine/engine.js";
import { wireDecimal } from "./price.js";
import type { Bill } from "./subscription-bill.js";

const priced = ({ id, product }: Stripe.Price, unit: number) => ({
  price_details: { price: id, product: String(product) },
  type: "price_details" as const,
  unit_amount_decimal: wireDecimal(unit),
});

/** The pending invoice item of a proration. */
export function invoiceItem(
  store: Store,
  { id, customer }: Stripe.Subscription,
  { amount, description, item, period, proration, credited }: Bill,
): Stripe.InvoiceItem {
  const quantity = item.quantity ?? 1;
  return {
    id: store.id("ii"),
    object: "invoiceitem",
    amount,
    currency: item.price.currency,
    customer,
    customer_account: null,
    date: store.now,
    description,
    discountable: false,
    discounts: [],
    invoice: null,
    livemode: store.livemode,
    metadata: {},
    net_amount: amount,
    parent: { subscription_details: { subscription: id, subscription_item: item.id }, type: "subscription_details" },
    period,
    pricing: priced(item.price, amount / quantity),
    proration,
    ...(proration && { proration_details: { credited_items: credited ?? null, discount_amounts: [] } }),
    quantity,
    quantity_decimal: wireDecimal(quantity),
    tax_rates: [],
    test_clock: null,
  };
}

type Line = Stripe.InvoiceLineItem;
type LineFields = Pick<
  Line,
  "amount" | "currency" | "description" | "parent" | "period" | "pricing" | "subscription"
> & {
  readonly quantity: number;
};

function newLine(store: Store, { quantity, ...fields }: LineFields): Line {
  return {
    id: store.id("il"),
    object: "line_item",
    discount_amounts: [],
    discountable: fields.parent?.type === "subscription_item_details" && fields.amount > 0,
    discounts: [],
    invoice: null,
    livemode: store.livemode,
    metadata: {},
    pretax_credit_amounts: [],
    quantity,
    quantity_decimal: wireDecimal(quantity),
    subtotal: fields.amount,
    taxes: [],
    ...fields,
  };
}

/** The line of an item for a period of the cycle. */
export function cycleLine(store: Store, subscription: string, { amount, description, item, period }: Bill): Line {
  return newLine(store, {
    amount,
    currency: item.price.currency,
    description,
    parent: {
      invoice_item_details: null,
      subscription_item_details: {
        invoice_item: null,
        proration: false,
        proration_details: { credited_items: null },
        subscription,
        subscription_item: item.id,
      },
      type: "subscription_item_details",
    },
    period,
    pricing: priced(item.price, item.price.unit_amount ?? 0),
    quantity: item.quantity ?? 1,
    subscription,
  });
}

/** The invoice line of a pending invoice item. */
export function pendingLine(store: Store, item: Stripe.InvoiceItem): Line {
  const { subscription = null, subscription_item } = item.parent?.subscription_details ?? {};
  const credited_items = item.proration_details?.credited_items?.invoice_line_item_details ?? null;
  const details = { proration: item.proration, proration_details: { credited_items }, subscription };
  return newLine(store, {
    amount: item.amount,
    currency: item.currency,
    description: item.description,
    parent: subscription_item
      ? {
          invoice_item_details: null,
          subscription_item_details: { ...details, invoice_item: item.id, subscription_item },
          type: "subscription_item_details",
        }
      : {
          invoice_item_details: { ...details, invoice_item: item.id },
          subscription_item_details: null,
          type: "invoice_item_details",
        },
    period: item.period,
    pricing: item.pricing,
    quantity: item.quantity,
    subscription,
  });
}
