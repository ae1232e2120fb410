import type Stripe from "stripe";
import { z } from "zod";
import { checkCurrency, checkStep, moneyText } from "../engine/amount.js";
import { type Kind, type Route, route, type Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import {
  currency,
  decimal,
  flag,
  listing,
  merge,
  metadata,
  natural,
  nothing,
  oneOf,
  positive,
  text,
} from "../engine/shape.js";
import { newProduct } from "./product-shape.js";

const interval = oneOf("day", "week", "month", "year");
const taxBehavior = oneOf("exclusive", "inclusive", "unspecified");
const amounts = {
  currency,
  metadata: metadata.optional(),
  tax_behavior: taxBehavior.optional(),
  unit_amount: natural.optional(),
  unit_amount_decimal: decimal.optional(),
};
const recurring = z.strictObject({
  interval,
  interval_count: positive.optional(),
  trial_period_days: positive.optional(),
  usage_type: oneOf("licensed").optional(),
});
export const defaultPriceParams = z.strictObject({ ...amounts, recurring: recurring.optional() });
const createParams = z.strictObject({
  ...amounts,
  active: flag.optional(),
  billing_scheme: oneOf("per_unit").optional(),
  lookup_key: text.max(200).optional(),
  nickname: z.string().optional(),
  product: text.optional(),
  product_data: z
    .strictObject({ id: text.optional(), name: text, active: flag.optional(), metadata: metadata.optional() })
    .optional(),
  recurring: recurring.optional(),
  transfer_lookup_key: flag.optional(),
});
const updateParams = z.strictObject({
  active: flag.optional(),
  lookup_key: z.string().max(200).optional(),
  metadata: metadata.optional(),
  nickname: z.string().optional(),
  tax_behavior: taxBehavior.optional(),
  transfer_lookup_key: flag.optional(),
});
const listParams = z.strictObject({
  ...listing,
  active: flag.optional(),
  currency: currency.optional(),
  lookup_keys: z.array(text).max(10, "You can only specify up to 10 lookup_keys.").optional(),
  product: text.optional(),
  recurring: z
    .strictObject({ interval: interval.optional(), usage_type: oneOf("licensed", "metered").optional() })
    .optional(),
  type: oneOf("one_time", "recurring").optional(),
});
type CreateParams = z.output<typeof createParams>;

/** JSON carries a decimal as a string. */
export const wireDecimal = (value: string | number) => String(value) as unknown as Stripe.Decimal;

const longest: Record<string, number> = { day: 1095, week: 156, month: 36, year: 3 };

function recurringOf(given: z.output<typeof recurring>): Stripe.Price.Recurring {
  const count = given.interval_count ?? 1;
  if (count > (longest[given.interval] ?? 1))
    throw refused("The maximum billing interval is three years.", { param: "recurring[interval_count]" });
  return {
    interval: given.interval,
    interval_count: count,
    meter: null,
    trial_period_days: given.trial_period_days ?? null,
    usage_type: "licensed",
  };
}

function amountOf({ unit_amount, unit_amount_decimal }: CreateParams): number {
  if (unit_amount !== undefined && unit_amount_decimal === undefined) return unit_amount;
  if (unit_amount !== undefined)
    throw refused("You may only specify one of these parameters: unit_amount, unit_amount_decimal.", {
      code: "parameters_exclusive",
    });
  if (unit_amount_decimal === undefined)
    throw refused("Missing required param: unit_amount.", { code: "parameter_missing", param: "unit_amount" });
  const amount = Number(unit_amount_decimal);
  if (Number.isInteger(amount)) return amount;
  throw refused("The stand-in has no prices in parts of the smallest unit.", { param: "unit_amount_decimal" });
}

/** Moves a lookup key from the price that has it. @throws Failure unless `transfer` */
function lookupKey(store: Store, key: string | undefined, transfer: boolean | undefined, price?: string) {
  if (!key) return null;
  const holder = store.by("price", "lookup_key", key).find(({ id }) => id !== price);
  if (!holder) return key;
  if (!transfer) throw refused(`A price (\`${holder.id}\`) already uses that lookup key.`, { param: "lookup_key" });
  store.change(holder, { lookup_key: null }, "price.updated");
  return key;
}

function productOf({ product, product_data }: CreateParams, store: Store): string {
  if (product !== undefined && product_data)
    throw refused("You may only specify one of these parameters: product, product_data.", {
      code: "parameters_exclusive",
    });
  if (product !== undefined) {
    const found = store.get("product", product, "product");
    if (found.deleted) throw refused(`No such product: '${product}'`, { code: "resource_missing", param: "product" });
    return product;
  }
  if (!product_data) throw refused("Missing required param: product.", { code: "parameter_missing", param: "product" });
  const { id = store.id("prod"), ...data } = product_data;
  if (store.find("product", id)) throw refused("Product already exists.", { code: "resource_already_exists" });
  return store.put(newProduct(store, id, data), "product.created").id;
}

export function createPrice(store: Store, params: CreateParams): Stripe.Price {
  checkCurrency(params.currency);
  const amount = amountOf(params);
  checkStep(amount, params.currency, "unit_amount");
  const recurs = params.recurring ? recurringOf(params.recurring) : null;
  const lookup_key = lookupKey(store, params.lookup_key, params.transfer_lookup_key);
  const price: Stripe.Price = {
    id: store.id("price"),
    object: "price",
    active: params.active ?? true,
    billing_scheme: "per_unit",
    created: store.now,
    currency: params.currency,
    custom_unit_amount: null,
    livemode: store.livemode,
    lookup_key,
    metadata: merge({}, params.metadata),
    nickname: params.nickname || null,
    product: productOf(params, store),
    recurring: recurs,
    tax_behavior: params.tax_behavior ?? "unspecified",
    tiers_mode: null,
    transform_quantity: null,
    type: recurs ? "recurring" : "one_time",
    unit_amount: amount,
    unit_amount_decimal: wireDecimal(amount),
  };
  return store.put(price, "price.created");
}

function update(price: Stripe.Price, params: z.output<typeof updateParams>, store: Store) {
  const product = store.find("product", String(price.product));
  if (params.active === false && product && !product.deleted && product.default_price === price.id)
    throw refused("This price cannot be archived because it is the default price of its product.", { param: "active" });
  const patch: Partial<Stripe.Price> = { metadata: merge(price.metadata, params.metadata) };
  if (params.active !== undefined) patch.active = params.active;
  if (params.nickname !== undefined) patch.nickname = params.nickname || null;
  if (params.tax_behavior !== undefined) patch.tax_behavior = params.tax_behavior;
  if (params.lookup_key !== undefined)
    patch.lookup_key = lookupKey(store, params.lookup_key, params.transfer_lookup_key, price.id);
  return store.change(price, patch, "price.updated");
}

function list({ lookup_keys, recurring, currency, ...params }: z.output<typeof listParams>, store: Store) {
  const { active, product, type, ...page } = params;
  return store.page("price", page, {
    active,
    product,
    type,
    currency,
    lookup_key: ({ lookup_key }) => lookup_keys === undefined || lookup_keys.includes(lookup_key ?? ""),
    recurring: (price) =>
      (recurring?.interval ?? price.recurring?.interval) === price.recurring?.interval &&
      (recurring?.usage_type ?? price.recurring?.usage_type) === price.recurring?.usage_type,
  });
}

export const priceRoutes: readonly Route[] = [
  route("POST", "/v1/prices", createParams, ({ params }, store) => createPrice(store, params)),
  route("GET", "/v1/prices", listParams, ({ params }, store) => list(params, store)),
  route("GET", "/v1/prices/:id", nothing, ({ path }, store) => store.get("price", path.id)),
  route("POST", "/v1/prices/:id", updateParams, ({ path, params }, store) =>
    update(store.get("price", path.id), params, store),
  ),
];

export const priceKind: Kind = { type: "price", prefix: "price", index: ["product", "lookup_key"] };

/** `€29.00 / month`, the format of invoice lines. */
export function priceText({ unit_amount, currency, recurring }: Stripe.Price): string {
  const amount = moneyText(unit_amount ?? 0, currency);
  if (!recurring) return amount;
  const { interval, interval_count } = recurring;
  return `${amount} / ${interval_count === 1 ? interval : `every ${interval_count} ${interval}s`}`;
}
