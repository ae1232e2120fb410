import { eq, or } from "drizzle-orm";
import { read } from "../../kernel/db.js";
import type { StripeEvent, StripeHandler } from "../../stripe/index.js";
import { paymentTable } from "../payment.sql.js";
import { syncPayment } from "../provider-call.js";

/** The webhooks about charges on a merchant's account. An event only names the object, which is then fetched. */
export const paymentHandlers: readonly StripeHandler[] = [
  {
    name: "payment.intent",
    endpoint: "connect",
    types: [
      "payment_intent.amount_capturable_updated",
      "payment_intent.canceled",
      "payment_intent.payment_failed",
      "payment_intent.processing",
      "payment_intent.requires_action",
      "payment_intent.succeeded",
      "charge.captured",
      "charge.expired",
      "charge.refunded",
      "charge.refund.updated",
      "refund.created",
      "refund.updated",
      "refund.failed",
      "checkout.session.completed",
      "checkout.session.expired",
      "checkout.session.async_payment_succeeded",
      "checkout.session.async_payment_failed",
    ],
    run: syncNamedPayment,
  },
];

/** A payment that is not ours was made by the merchant elsewhere: their account serves other shops as well. */
async function syncNamedPayment({ objectId, related, account }: StripeEvent): Promise<void> {
  const payments = await read((q) =>
    q
      .select({ id: paymentTable.id, account: paymentTable.account })
      .from(paymentTable)
      .where(or(eq(paymentTable.reference, related.paymentIntent ?? objectId), eq(paymentTable.session, objectId))),
  );
  for (const payment of payments) if (payment.account === account) await syncPayment(payment.id);
}
