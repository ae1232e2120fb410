import type Stripe from "stripe";
import { connectedAccount, idOf, listAll, type MerchantAccount, secondsOf } from "../../stripe/index.js";

/** Something that Stripe has on a merchant's account, ours or not. */
export interface Listed {
  reference: string;
  /** The PaymentIntent that it is or belongs to. */
  paymentIntent: string | null;
  /** The attempt that it says it was made for: only our own rows say whether that is so. */
  attempt: string | null;
  /** The provider's status, and the amount moved so far in its minor units: enough to see whether our rows have it. */
  status: string;
  moved: number;
  /** Unix seconds. */
  created: number;
}

const sinceOf = (since: string): Stripe.RangeQueryParam => ({ gte: secondsOf(since) });

/**
 * The PaymentIntents made on a merchant's account since an instant, for comparison with our rows; the newest first.
 * @throws OutcomeUnknown between two pages
 */
export async function* intentsSince(merchant: MerchantAccount, since: string): AsyncGenerator<Listed, void> {
  const { stripe, options: place } = await connectedAccount(merchant);
  const created = sinceOf(since);
  for await (const intent of listAll((page) => stripe.paymentIntents.list({ created, ...page }, place))) {
    const { id, metadata, status, amount_received: moved, created: at } = intent;
    yield { reference: id, paymentIntent: id, attempt: metadata.stoa_payment ?? null, status, moved, created: at };
  }
}

export async function* refundsSince(merchant: MerchantAccount, since: string): AsyncGenerator<Listed, void> {
  const { stripe, options } = await connectedAccount(merchant);
  const created = sinceOf(since);
  for await (const refund of listAll((page) => stripe.refunds.list({ created, ...page }, options))) {
    const { id, payment_intent, metadata, status, amount: moved } = refund;
    const attempt = metadata?.stoa_payment ?? null;
    const what = { reference: id, paymentIntent: idOf(payment_intent), attempt, status: status ?? "", moved };
    yield { ...what, created: refund.created };
  }
}

export async function* disputesSince(merchant: MerchantAccount, since: string): AsyncGenerator<Listed, void> {
  const { stripe, options } = await connectedAccount(merchant);
  const created = sinceOf(since);
  for await (const dispute of listAll((page) => stripe.disputes.list({ created, ...page }, options))) {
    const { id, payment_intent, status, amount: moved } = dispute;
    const what = { reference: id, paymentIntent: idOf(payment_intent), attempt: null, status, moved };
    yield { ...what, created: dispute.created };
  }
}
