import type Stripe from "stripe";
import { soldPlans } from "../entitlement/entitlement.sql.js";
import { type Interval, intervals, plans, type SoldPlan } from "../entitlement/index.js";
import { withRetry } from "../stripe/index.js";
import { withIdempotencyKey } from "./call.js";

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

const codeOf = (error: unknown) => (error as { code?: unknown } | null)?.code;

/** Finds or creates Stripe's price for an offer; concurrent requests create one price. @returns its id */
export async function findOrCreatePrice(stripe: Stripe, offer: Offer): Promise<string> {
  const { amount, currency, key } = termsOf(offer);
  const find = () => withRetry(() => stripe.prices.list({ lookup_keys: [key], limit: 1 }));
  const [known] = (await find()).data;
  if (known) return known.id;
  const product = `stoa_${offer.plan}`;
  const { name } = plans[offer.plan];
  await withIdempotencyKey(`product/${product}`, (options) =>
    stripe.products.create({ id: product, name }, options),
  ).catch((error: unknown) => {
    if (codeOf(error) !== "resource_already_exists") throw error;
  });
  const params: Stripe.PriceCreateParams = {
    product,
    currency: currency.toLowerCase(),
    unit_amount: amount,
    recurring: { interval: offer.interval },
    lookup_key: key,
    metadata: { plan: offer.plan },
  };
  try {
    return (await withIdempotencyKey(`price/${key}`, (options) => stripe.prices.create(params, options))).id;
  } catch (error) {
    const [made] = (await find()).data; // by a request whose idempotency key has expired
    if (made) return made.id;
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
