import { and, eq, ne, sql } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { db } from "../db.js";
import { conflict, type Failure, notFound, stale } from "../error.js";
import { emit } from "../event/index.js";
import { fn } from "../fn.js";
import { Amount } from "../money.js";
import { Payment, PaymentEventId } from "../payment/index.js";
import { paymentEventTable, paymentTable } from "../payment/payment.sql.js";
import { OrderId, OrderPaid } from "./event.js";
import { orderTable, orderTimelineTable } from "./order.sql.js";
import { entry } from "./timeline.js";

export const Capture = z.strictObject({
  amount: Amount.min(1).optional().meta({ description: "Minor units; all that is left when left out" }),
});
const Input = z.object({ id: OrderId, version: z.int().optional(), capture: Capture });
type Input = z.output<typeof Input>;

/**
 * Takes money for an order, in parts or all that is left. The lock on the payment puts captures in order; the CHECK on
 * its sums is the last wall.
 * @throws Failure not_found, conflict or stale
 */
export const capture = fn(Input, (input) =>
  db(async (tx) => {
    const [payment] = await tx
      .select(Payment.columns)
      .from(paymentTable)
      .where(eq(paymentTable.orderId, input.id))
      .for("update");
    if (!payment) throw notFound("order");
    const left = payment.amount - payment.captured;
    const amount = input.capture.amount ?? left;
    if (amount < 1 || amount > left) throw tooMuch(left);
    const data = await Payment.providerOf(payment.provider).capture(payment, amount);
    const captured = payment.captured + amount;
    const sum = sql`${paymentTable.captured} + ${amount}`; // counted by the row, so that its CHECK sees every capture
    await tx.update(paymentTable).set({ captured: sum }).where(eq(paymentTable.id, payment.id));
    const event = { id: PaymentEventId.create(), paymentId: payment.id, type: "captured" as const, amount, data };
    await tx.insert(paymentEventTable).values(event);
    const { number } = await settle(tx, input, { ...payment, captured });
    const money = { amount, currency: payment.currency };
    await tx.insert(orderTimelineTable).values(entry(input.id, "captured", { amount: money }));
    if (captured === payment.amount) {
      emit(OrderPaid, { orderId: input.id, number, amount: { ...money, amount: captured } });
    }
  }),
);

async function settle(
  tx: Tx,
  { id, version }: Input,
  { amount, captured, refunded }: Record<"amount" | "captured" | "refunded", number>,
) {
  const paymentStatus = Payment.statusOf(amount, [
    { type: "captured", amount: captured },
    { type: "refunded", amount: refunded },
  ]);
  const seen = version === undefined ? undefined : eq(orderTable.version, version);
  const [order] = await tx
    .update(orderTable)
    .set({ paymentStatus, version: sql`${orderTable.version} + 1` })
    .where(and(eq(orderTable.id, id), ne(orderTable.status, "cancelled"), seen))
    .returning({ number: orderTable.number });
  if (!order) throw await refusal(tx, id);
  return order;
}

async function refusal(tx: Tx, id: string): Promise<Failure> {
  const [order] = await tx
    .select({ status: orderTable.status, version: orderTable.version })
    .from(orderTable)
    .where(eq(orderTable.id, id));
  if (order?.status === "cancelled") return conflict("order.cancelled", "This order is cancelled.");
  const data = { currentVersion: order?.version };
  return stale("version_stale", "The order has changed since you read it.", { data });
}

const tooMuch = (left: number) =>
  conflict("payment.capture_exceeds", "This is more than is left to capture.", { data: { left } });
