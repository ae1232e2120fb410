import type Stripe from "stripe";
import { wireDecimal } from "../billing/price.js";
import { newProduct } from "../billing/product-shape.js";
import { checkCurrency } from "../engine/amount.js";
import type { Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import type { Create, LineItem } from "./checkout-shape.js";

type Price = Stripe.Price;

/** An inactive price and product of `price_data`, which serve this session only. */
function inlinePrice(data: NonNullable<LineItem["price_data"]>, param: string, store: Store): Price {
  const { currency, product_data, unit_amount, recurring } = data;
  checkCurrency(currency, `${param}[currency]`);
  if (unit_amount === undefined)
    throw refused(`Missing required param: ${param}[unit_amount].`, {
      code: "parameter_missing",
      param: `${param}[unit_amount]`,
    });
  if ((data.product === undefined) === (product_data === undefined))
    throw refused("You must specify either `product` or `product_data` when creating a price.", { param });
  const { name = "", description, images, metadata = null } = product_data ?? {};
  const shown = { name, active: false, metadata, ...(description && { description }), ...(images && { images }) };
  const product = data.product
    ? store.get("product", data.product, `${param}[product]`).id
    : store.put(newProduct(store, store.id("prod"), shown)).id;
  return store.put<Price>({
    id: store.id("price"),
    object: "price",
    active: false,
    billing_scheme: "per_unit",
    created: store.now,
    currency,
    custom_unit_amount: null,
    livemode: store.livemode,
    lookup_key: null,
    metadata: {},
    nickname: null,
    product,
    recurring: recurring
      ? { interval: recurring.interval, interval_count: recurring.interval_count ?? 1, ...licensed }
      : null,
    tax_behavior: data.tax_behavior ?? "unspecified",
    tiers_mode: null,
    transform_quantity: null,
    type: recurring ? "recurring" : "one_time",
    unit_amount,
    unit_amount_decimal: wireDecimal(unit_amount),
  });
}
const licensed = { meter: null, trial_period_days: null, usage_type: "licensed" } as const;

function priceOf({ price, price_data }: LineItem, param: string, store: Store): Price {
  if ((price === undefined) === (price_data === undefined))
    throw refused(`You must specify either \`price\` or \`price_data\` for each line item.`, { param });
  if (price_data) return inlinePrice(price_data, `${param}[price_data]`, store);
  const found = store.get("price", price, `${param}[price]`);
  if (!found.active)
    throw refused(`The price specified is inactive. This field only accepts active prices.`, { param });
  return found;
}

function checkMode(prices: readonly Price[], { mode }: Create) {
  const recurring = prices.filter((price) => price.type === "recurring");
  if (mode === "payment" && recurring.length > 0)
    throw refused(
      "You specified `payment` mode but passed a recurring price. Either switch to `subscription` mode or use only one-time prices.",
      { param: "mode" },
    );
  if (mode === "subscription" && recurring.length === 0)
    throw refused("You must provide at least one recurring price in `subscription` mode when using prices.", {
      param: "line_items",
    });
  const currencies = new Set(prices.map(({ currency }) => currency));
  if (currencies.size > 1) throw refused("All line items must have the same currency.", { param: "line_items" });
}

/** The line items of a new session. @throws Failure */
export function linesOf(params: Create, store: Store): Stripe.LineItem[] {
  const items = params.line_items ?? [];
  if (params.mode === "setup") {
    if (items.length > 0) throw refused("`line_items` are not allowed in `setup` mode.", { param: "line_items" });
    return [];
  }
  if (items.length === 0)
    throw refused("Missing required param: line_items.", { code: "parameter_missing", param: "line_items" });
  const lines = items.map((item, at): Stripe.LineItem => {
    const param = `line_items[${at}]`;
    const price = priceOf(item, param, store);
    if (item.quantity === undefined)
      throw refused("Quantity is required. Add `quantity` to the line item.", { param: `${param}[quantity]` });
    const amount = (price.unit_amount ?? 0) * item.quantity;
    const product = store.find("product", typeof price.product === "string" ? price.product : undefined);
    return {
      id: store.id("li"),
      object: "item",
      adjustable_quantity: null,
      amount_discount: 0,
      amount_subtotal: amount,
      amount_tax: 0,
      amount_total: amount,
      currency: price.currency,
      description: (product && !product.deleted && product.name) || null,
      metadata: item.metadata ?? {},
      price,
      quantity: item.quantity,
    };
  });
  checkMode(
    lines.flatMap(({ price }) => price ?? []),
    params,
  );
  return lines;
}
