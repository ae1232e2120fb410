import { asc, desc, eq, lte, type SQL, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import type { Reader } from "../../drizzle/reader.js";
import { read } from "../kernel/db.js";
import { notFound } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { concernsOf, OrderId, orderQueries, timelineColumns, view } from "../order/index.js";
import { isFact, isNote, orderTable, orderTimelineTable } from "../order/order.sql.js";
import { columns, eventColumns, operationColumns, paymentView, SHOWN } from "./order-view.js";
import { paymentEventTable, paymentOperationTable, paymentTable } from "./payment.sql.js";

export { OrderDetail } from "./order-view.js";

/** The place of a row among those of its payment, the newest being the first. */
const rankOf = (paymentId: PgColumn, id: PgColumn) =>
  sql<number>`row_number() over (partition by ${paymentId} order by ${id} desc)`.mapWith(Number).as("rank");

const paymentQuery = (q: Reader, orderId: string) =>
  q
    .select(columns)
    .from(paymentTable)
    .where(eq(paymentTable.orderId, orderId))
    .orderBy(desc(paymentTable.id))
    .limit(SHOWN.payments + 1);

/** The newest events of each payment, the oldest of them first. */
function eventQuery(q: Reader, orderId: string) {
  const ranked = q
    .select({
      ...eventColumns,
      id: paymentEventTable.id,
      rank: rankOf(paymentEventTable.paymentId, paymentEventTable.id),
    })
    .from(paymentEventTable)
    .innerJoin(paymentTable, eq(paymentTable.id, paymentEventTable.paymentId))
    .where(eq(paymentTable.orderId, orderId))
    .as("ranked");
  return q
    .select()
    .from(ranked)
    .where(lte(ranked.rank, SHOWN.events + 1))
    .orderBy(asc(ranked.id));
}

/** The newest operations of each payment, the oldest of them first. */
function operationQuery(q: Reader, orderId: string) {
  const ranked = q
    .select({ ...operationColumns, rank: rankOf(paymentOperationTable.paymentId, paymentOperationTable.id) })
    .from(paymentOperationTable)
    .innerJoin(paymentTable, eq(paymentTable.id, paymentOperationTable.paymentId))
    .where(eq(paymentTable.orderId, orderId))
    .as("ranked");
  return q
    .select()
    .from(ranked)
    .where(lte(ranked.rank, SHOWN.operations + 1))
    .orderBy(asc(ranked.id));
}

const timelineQuery = (q: Reader, orderId: string, which: SQL, limit: number) =>
  q
    .select(timelineColumns)
    .from(orderTimelineTable)
    .where(sql`${eq(orderTimelineTable.orderId, orderId)} and ${which}`)
    .orderBy(desc(orderTimelineTable.id))
    .limit(limit + 1);

/** The order with the newest of its payments, facts and notes, for the staff. @throws Failure not_found */
export const getOrder = fn(OrderId, async (orderId) => {
  const [[order], lines, payments, events, operations, timeline, notes] = await read(
    (q) =>
      [
        ...orderQueries(q, eq(orderTable.id, orderId)),
        paymentQuery(q, orderId),
        eventQuery(q, orderId),
        operationQuery(q, orderId),
        timelineQuery(q, orderId, isFact, SHOWN.timeline),
        timelineQuery(q, orderId, isNote, SHOWN.notes),
      ] as const,
  );
  if (!order) throw notFound("order");
  const shown = <Row extends { rank: number }>(rows: readonly Row[], limit: number) =>
    rows.filter(({ rank }) => rank <= limit).map(({ rank: _, ...row }) => row);
  const recent = {
    events: shown(events, SHOWN.events).map(({ id: _, ...event }) => event),
    operations: shown(operations, SHOWN.operations),
  };
  return {
    ...view(order, lines),
    attention: order.attention,
    concerns: concernsOf(order),
    livemode: payments.every(({ livemode }) => livemode !== false),
    payments: payments
      .slice(0, SHOWN.payments)
      .toReversed()
      .map((payment) => paymentView(payment, recent.events, recent.operations)),
    timeline: timeline.slice(0, SHOWN.timeline),
    notes: notes.slice(0, SHOWN.notes),
    hasMore: {
      payments: payments.length > SHOWN.payments,
      events: recent.events.length < events.length,
      operations: recent.operations.length < operations.length,
      timeline: timeline.length > SHOWN.timeline,
      notes: notes.length > SHOWN.notes,
    },
  };
});
