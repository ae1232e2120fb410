import type Stripe from "stripe";
import { soldPlans } from "../entitlement/entitlement.sql.js";
import { type Interval, intervals, plans, type SoldPlan } from "../entitlement/index.js";
import { idOf, isGone, refusalOf, withRetry } from "../stripe/index.js";
import { idempotencyKeyOf, withIdempotencyKey } from "./call.js";

/** A plan and how often it is paid. */
export interface Offer {
  plan: SoldPlan;
  interval: Interval;
}

/**
 * The amount of an offer and the lookup key of its price at Stripe. The key contains the amount: a plan's new amount
 * makes a new price, and the subscriptions of before keep theirs.
 */
function termsOf({ plan, interval }: Offer) {
  const { amount, currency } = plans[plan].prices[interval];
  return { amount, currency, key: `stoa_${plan}_${interval}_${currency.toLowerCase()}_${amount}` };
}

/** Finds or creates Stripe's price for an offer; concurrent requests create one price. @returns its id */
export async function findOrCreatePrice(stripe: Stripe, offer: Offer): Promise<string> {
  const { key } = termsOf(offer);
  const find = async () =>
    (await withRetry(() => stripe.prices.list({ lookup_keys: [key], limit: 1, expand: ["data.product"] }))).data[0];
  const known = await find();
  if (known?.active && isForSale(known.product)) return known.id;
  const product = await findOrCreateProduct(stripe, offer);
  if (known?.active && idOf(known.product) === product) return known.id;
  try {
    return await createPrice(stripe, offer, product, known?.id);
  } catch (error) {
    const made = await find(); // by a request whose idempotency key has expired
    if (made?.active && idOf(made.product) === product) return made.id;
    throw error;
  }
}

const isForSale = (product: Stripe.Price["product"]) =>
  typeof product === "object" && product.deleted !== true && product.active;

/** The key of a successor names the archived price that it follows, and takes the lookup key from it. */
async function createPrice(stripe: Stripe, offer: Offer, product: string, archived: string | undefined) {
  const { amount, currency, key } = termsOf(offer);
  const params: Stripe.PriceCreateParams = {
    product,
    currency: currency.toLowerCase(),
    unit_amount: amount,
    recurring: { interval: offer.interval },
    lookup_key: key,
    metadata: { plan: offer.plan },
    ...(archived !== undefined && { transfer_lookup_key: true }),
  };
  const { id } = await withIdempotencyKey(["price", key, ...(archived ? [archived] : [])].join("/"), (options) =>
    stripe.prices.create(params, options),
  );
  return id;
}

/** The product of a plan at Stripe: one that was archived is sold again, one that was deleted is made anew. */
async function findOrCreateProduct(stripe: Stripe, { plan }: Offer): Promise<string> {
  const wanted = `stoa_${plan}`;
  const found = await findProduct(stripe, wanted);
  if (found?.active) return wanted;
  if (found) {
    await withIdempotencyKey(idempotencyKeyOf("product", wanted), (options) =>
      stripe.products.update(wanted, { active: true }, options),
    );
    return wanted;
  }
  const create = (params: Stripe.ProductCreateParams, key: string) =>
    withIdempotencyKey(key, (options) => stripe.products.create(params, options));
  const { name } = plans[plan];
  try {
    return (await create({ id: wanted, name }, idempotencyKeyOf("new product", wanted))).id;
  } catch (error) {
    if (refusalOf(error)?.code !== "resource_already_exists") throw error;
    if (await findProduct(stripe, wanted)) return wanted; // by a concurrent request
    return (await create({ name }, `product/${wanted}/again`)).id; // Stripe gives the id of a deleted one to no other
  }
}

async function findProduct(stripe: Stripe, id: string): Promise<Stripe.Product | undefined> {
  try {
    const product = await withRetry(() => stripe.products.retrieve(id));
    return (product as { deleted?: boolean }).deleted ? undefined : product;
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/**
 * Reads the offer from a price: its plan from the lookup key that `termsOf` gave it, or, for a price that a person made
 * by hand at Stripe, from its metadata.
 * @throws Error for a price that names no plan
 */
export function offerOf({ id, lookup_key, metadata, recurring }: Stripe.Price): Offer {
  const named = /^stoa_([a-z]+)_/.exec(lookup_key ?? "")?.[1] ?? metadata.plan;
  const plan = soldPlans.find((code) => code === named);
  const interval = intervals.find((one) => one === recurring?.interval);
  if (!plan || !interval) throw new Error(`The price ${id} at Stripe names no plan in its metadata.`);
  return { plan, interval };
}
