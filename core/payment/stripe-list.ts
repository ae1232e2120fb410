import type Stripe from "stripe";
import { idOf, type Merchant, pages, placeOf, secondsOf } from "./stripe-call.js";

/** Something that Stripe has on a merchant's account, ours or not. */
export interface Listed {
  reference: string;
  /** The PaymentIntent that it is or belongs to. */
  paymentIntent: string | null;
  /** The attempt that it says it was made for: only our own rows say whether that is so. */
  attempt: string | null;
  /** Unix seconds. */
  created: number;
}

const sinceOf = (since: string): Stripe.RangeQueryParam => ({ gte: secondsOf(since) });

/**
 * What was made on a merchant's account since an instant, for comparison with what we know; the newest first.
 * @throws Unresolved between two pages
 */
export async function* intentsSince(merchant: Merchant, since: string): AsyncGenerator<Listed, void> {
  const { stripe, at } = await placeOf(merchant);
  const created = sinceOf(since);
  for await (const intent of pages((page) => stripe.paymentIntents.list({ created, ...page }, at))) {
    const { id, metadata } = intent;
    yield { reference: id, paymentIntent: id, attempt: metadata.stoa_payment ?? null, created: intent.created };
  }
}

export async function* refundsSince(merchant: Merchant, since: string): AsyncGenerator<Listed, void> {
  const { stripe, at } = await placeOf(merchant);
  const created = sinceOf(since);
  for await (const refund of pages((page) => stripe.refunds.list({ created, ...page }, at))) {
    const { id, payment_intent, metadata } = refund;
    const attempt = metadata?.stoa_payment ?? null;
    yield { reference: id, paymentIntent: idOf(payment_intent), attempt, created: refund.created };
  }
}

export async function* disputesSince(merchant: Merchant, since: string): AsyncGenerator<Listed, void> {
  const { stripe, at } = await placeOf(merchant);
  const created = sinceOf(since);
  for await (const dispute of pages((page) => stripe.disputes.list({ created, ...page }, at))) {
    const { id, payment_intent } = dispute;
    yield { reference: id, paymentIntent: idOf(payment_intent), attempt: null, created: dispute.created };
  }
}
