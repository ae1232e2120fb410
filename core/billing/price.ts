import type Stripe from "stripe";
import { soldPlans } from "../entitlement/entitlement.sql.js";
import { type Interval, intervals, plans, type SoldPlan } from "../entitlement/index.js";
import { withRetry } from "../stripe/index.js";
import { under } from "./call.js";

/** A plan and how often it is paid. */
export interface Offer {
  plan: SoldPlan;
  interval: Interval;
}

/** The price with its amount in its name: when the plan gets another price, whoever has this one keeps it. */
function termsOf({ plan, interval }: Offer) {
  const { amount, currency } = plans[plan].prices[interval];
  return { amount, currency, key: `stoa_${plan}_${interval}_${currency.toLowerCase()}_${amount}` };
}

const codeOf = (error: unknown) => (error as { code?: unknown } | null)?.code;

/** The id of Stripe's price for an offer, made when it is not there: two who make it at once make one. */
export async function priceOf(stripe: Stripe, offer: Offer): Promise<string> {
  const { amount, currency, key } = termsOf(offer);
  const find = () => withRetry(() => stripe.prices.list({ lookup_keys: [key], limit: 1 }));
  const [known] = (await find()).data;
  if (known) return known.id;
  const product = `stoa_${offer.plan}`;
  const { name } = plans[offer.plan];
  await under(`product/${product}`, (options) => stripe.products.create({ id: product, name }, options)).catch(
    (error: unknown) => {
      if (codeOf(error) !== "resource_already_exists") throw error;
    },
  );
  const params: Stripe.PriceCreateParams = {
    product,
    currency: currency.toLowerCase(),
    unit_amount: amount,
    recurring: { interval: offer.interval },
    lookup_key: key,
    metadata: { plan: offer.plan },
  };
  try {
    return (await under(`price/${key}`, (options) => stripe.prices.create(params, options))).id;
  } catch (error) {
    const [made] = (await find()).data; // by somebody whose key Stripe has forgotten
    if (made) return made.id;
    throw error;
  }
}

/**
 * What a price stands for: by the name that we gave it, or, for one that somebody made by hand at Stripe, by the plan
 * in its metadata. @throws Error for a price that names no plan
 */
export function offerOf({ id, lookup_key, metadata, recurring }: Stripe.Price): Offer {
  const named = /^stoa_([a-z]+)_/.exec(lookup_key ?? "")?.[1] ?? metadata.plan;
  const plan = soldPlans.find((code) => code === named);
  const interval = intervals.find((one) => one === recurring?.interval);
  if (!plan || !interval) throw new Error(`The price ${id} at Stripe names no plan in its metadata.`);
  return { plan, interval };
}
