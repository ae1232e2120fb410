import type Stripe from "stripe";
import { faultSideOf, idOf, instantOf, withRetry } from "../stripe/index.js";
import { idempotencyKeyOf, withIdempotencyKey } from "./call.js";
import { type Offer, offerOf } from "./price.js";

/** A change of plan that Stripe applies when the payer has paid its invoice. */
export interface PendingChange extends Offer {
  invoice: string;
  /** The page on which the payer confirms the payment, or pays with another card. */
  url: string;
  /** The instant at which Stripe drops the change. */
  expiresAt: string;
  /** The code of the decline when the card was refused; null when the bank asks the payer. */
  declined: string | null;
}

/** Whether the bank asks the payer: the payment waits for it, or was refused because the payer was absent. */
const asksPayer = ({ status, last_payment_error: error }: Stripe.PaymentIntent): boolean =>
  status === "requires_action" || error?.code === "authentication_required";

const reasonOf = ({ last_payment_error: error }: Stripe.PaymentIntent): string =>
  error?.decline_code ?? error?.code ?? "card_declined";

/** Reads the change that waits for its payment; undefined when none does. */
export async function findPendingChange(
  stripe: Stripe,
  { pending_update: pending, latest_invoice }: Stripe.Subscription,
): Promise<PendingChange | undefined> {
  const invoiceId = idOf(latest_invoice);
  const price = pending?.subscription_items?.[0]?.price;
  if (!pending || !price || !invoiceId) return undefined;
  const expand = ["payments.data.payment.payment_intent"];
  const invoice = await withRetry(() => stripe.invoices.retrieve(invoiceId, { expand }));
  const payments = invoice.payments?.data ?? [];
  const intents = payments.flatMap(({ payment: { payment_intent: intent } }) =>
    typeof intent === "object" && intent ? [intent] : [],
  );
  const [refused] = intents.filter((intent) => !asksPayer(intent));
  return {
    ...offerOf(price),
    invoice: invoiceId,
    url: invoice.hosted_invoice_url ?? "",
    expiresAt: instantOf(pending.expires_at),
    declined: refused ? reasonOf(refused) : null,
  };
}

/**
 * Drops a change that waits for its payment: Stripe forgets it with its invoice, and the present plan stays. Stripe
 * refuses that when the invoice was paid or dropped in the same moment, and no change waits any more.
 */
export async function dropPendingChange(stripe: Stripe, subscription: Stripe.Subscription): Promise<void> {
  const invoice = subscription.pending_update && idOf(subscription.latest_invoice);
  if (!invoice) return;
  await withIdempotencyKey(idempotencyKeyOf("void", invoice), (options) =>
    stripe.invoices.voidInvoice(invoice, {}, options),
  ).catch((error: unknown) => {
    if (faultSideOf(error) !== "request") throw error;
  });
}
