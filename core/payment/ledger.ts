import { eq } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { emit } from "../kernel/event/index.js";
import { Ledger } from "../ledger/index.js";
import { Posting } from "../ledger/posting.js";
import { orderTable } from "../order/order.sql.js";
import { PaymentAuthorized, PaymentCaptured, PaymentFailed, PaymentRefunded, PaymentVoided } from "./event.js";
import type { Fresh, Payment } from "./settle.js";

/** Events for whoever listens, of what a provider has newly said of a payment. */
export function tell({ id: paymentId, orderId, currency }: Payment, fresh: Fresh): void {
  const which = { paymentId, orderId };
  for (const event of fresh) {
    const amount = { amount: event.amount, currency };
    if (event.type === "authorized") emit(PaymentAuthorized, { ...which, amount });
    if (event.type === "captured") emit(PaymentCaptured, { ...which, amount });
    if (event.type === "refunded") emit(PaymentRefunded, { ...which, amount });
    if (event.type === "failed") emit(PaymentFailed, { ...which, code: String(event.data.code) });
    if (event.type === "voided" || event.type === "expired") emit(PaymentVoided, which);
  }
}

/**
 * The ledger's transactions of the same, once it is known whether the payment counts for its order.
 * @param payment with the sums from before
 * @param made refunds that had counted as made before
 */
export async function enter(tx: Tx, payment: Payment, fresh: Fresh, made: ReadonlySet<string | null>): Promise<void> {
  const { currency, provider } = payment;
  let { refunded } = payment;
  for (const event of fresh) {
    const moved = { provider, currency, amount: event.amount };
    if (event.type === "captured") await Ledger.record("payment.captured", event.id, Posting.captured(moved));
    if (event.type === "refunded") {
      const sale = await saleOf(tx, payment, refunded);
      await Ledger.record("payment.refunded", event.id, Posting.refunded({ ...moved, sale }));
      refunded += event.amount;
    }
    if (event.type === "refund_failed" && made.has(event.reference)) {
      refunded -= event.amount;
      const sale = await saleOf(tx, payment, refunded);
      const back = Posting.reversed(Posting.refunded({ ...moved, sale }));
      await Ledger.record("payment.refund_failed", event.id, back);
    }
  }
}

/** What the platform has taken and given back in all, when that is more than the books have. */
export async function enterFees({ id, provider, currency, ...payment }: Payment, fees: Fees): Promise<void> {
  const { feeTaken, feeReturned } = fees;
  const amount = feeTaken - feeReturned - (payment.feeTaken - payment.feeReturned);
  await Ledger.record(
    "payment.fee",
    `${id} ${feeTaken} ${feeReturned}`,
    Posting.platformFee({ provider, currency, amount }),
  );
}
type Fees = Pick<Payment, "feeTaken" | "feeReturned">;

/** The order that a payment counts for; null when it does not, or the order does not stand. */
async function saleOf(tx: Tx, payment: Payment, refunded: number) {
  if (!payment.accepted) return null;
  const [order] = await tx.select().from(orderTable).where(eq(orderTable.id, payment.orderId));
  return order && (order.status === "open" || order.status === "completed") ? { ...order, refunded } : null;
}
