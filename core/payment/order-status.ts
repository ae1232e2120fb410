import { asc, eq, sql } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { emit } from "../kernel/event/index.js";
import { OrderPaid } from "../order/event.js";
import { orderTable, orderTimelineTable } from "../order/order.sql.js";
import { entry } from "../order/timeline.js";
import { statusOf } from "./index.js";
import { paymentEventTable, paymentTable } from "./payment.sql.js";

/**
 * Derives an order's payment status from the events of its payments: of those that count for it, or of the latest
 * attempt as long as none does. Says so once when all of it is captured, whatever went back of it since.
 * @param fresh ids of the events that were written just now
 */
export async function reckon(tx: Tx, orderId: string, fresh: ReadonlySet<string>): Promise<void> {
  const [order] = await tx
    .select({
      number: orderTable.number,
      total: orderTable.total,
      currency: orderTable.currency,
      was: orderTable.paymentStatus,
    })
    .from(orderTable)
    .where(eq(orderTable.id, orderId))
    .for("update");
  if (!order) return;
  const events = await tx
    .select({
      id: paymentEventTable.id,
      paymentId: paymentEventTable.paymentId,
      accepted: paymentTable.accepted,
      type: paymentEventTable.type,
      amount: paymentEventTable.amount,
      reference: paymentEventTable.reference,
    })
    .from(paymentEventTable)
    .innerJoin(paymentTable, eq(paymentTable.id, paymentEventTable.paymentId))
    .where(eq(paymentTable.orderId, orderId))
    .orderBy(asc(paymentEventTable.paymentId), asc(paymentEventTable.id));
  const counting = events.filter(({ accepted }) => accepted);
  const latest = events.at(-1)?.paymentId;
  const shown = counting.length > 0 ? counting : events.filter(({ paymentId }) => paymentId === latest);
  const captures = counting.filter(({ type }) => type === "captured");
  const before = sum(captures.filter(({ id }) => !fresh.has(id)));
  if (before < order.total && sum(captures) >= order.total) {
    emit(OrderPaid, { orderId, number: order.number, amount: { amount: order.total, currency: order.currency } });
  }
  const status = statusOf(order.total, shown);
  if (status === order.was) return;
  await tx
    .update(orderTable)
    .set({ paymentStatus: status, version: sql`${orderTable.version} + 1` })
    .where(eq(orderTable.id, orderId));
  await tx.insert(orderTimelineTable).values(entry(orderId, `payment_${status}`));
}

const sum = (events: readonly { amount: number }[]) => events.reduce((all, { amount }) => all + amount, 0);
