import { asc, eq } from "drizzle-orm";
import * as z from "zod";
import { read } from "../kernel/db.js";
import { notFound } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { Money } from "../kernel/money.js";
import {
  Attention,
  OrderId,
  OrderRecord,
  orderQueries,
  PaymentStatus,
  TimelineEntry,
  timelineColumns,
  view,
} from "../order/index.js";
import { orderTable, orderTimelineTable } from "../order/order.sql.js";
import { statusOf } from "./order-status.js";
import {
  OperationId,
  operationKinds,
  operationStatuses,
  type Payment,
  type PaymentEvent,
  PaymentId,
  type PaymentOperation,
  paymentEventTable,
  paymentEventTypes,
  paymentOperationTable,
  paymentTable,
} from "./payment.sql.js";

const PaymentEventRecord = z.object({
  type: z.enum(paymentEventTypes),
  amount: Money,
  reference: z.string().nullable(),
  data: z.record(z.string(), z.unknown()),
  createdAt: z.string(),
});
const PaymentOperationRecord = z.object({
  id: OperationId,
  kind: z.enum(operationKinds),
  amount: Money,
  status: z.enum(operationStatuses).meta({ description: "`pending`: the provider has not answered yet" }),
  reason: z.string().nullable(),
  error: z.string().nullable(),
  createdAt: z.string(),
  finishedAt: z.string().nullable(),
});
const PaymentRecord = z
  .object({
    id: PaymentId,
    provider: z.string(),
    method: z.string().nullable(),
    reference: z.string().nullable().meta({ description: "The provider's id" }),
    livemode: z
      .boolean()
      .nullable()
      .meta({ description: "Whether it is money; false for a test card, null where the provider has no modes" }),
    status: PaymentStatus,
    amount: Money,
    authorized: Money,
    captured: Money,
    refunded: Money,
    fee: Money.meta({ description: "The platform's application fee" }),
    events: z.array(PaymentEventRecord).meta({ description: "The changes that the provider reported, oldest first" }),
    operations: z
      .array(PaymentOperationRecord)
      .meta({ description: "Captures, refunds and voids that were requested, oldest first" }),
    createdAt: z.string(),
  })
  .meta({ id: "Payment" });

/** The order as the staff sees it. */
export const OrderDetail = OrderRecord.extend({
  attention: Attention,
  livemode: z.boolean().meta({ description: "false when one of its payments is made with a test card" }),
  payments: z.array(PaymentRecord),
  timeline: z.array(TimelineEntry).meta({ description: "Oldest first, up to 500 entries" }),
}).meta({ id: "OrderDetail" });

const columns = {
  id: paymentTable.id,
  provider: paymentTable.provider,
  method: paymentTable.method,
  reference: paymentTable.reference,
  livemode: paymentTable.livemode,
  amount: paymentTable.amount,
  currency: paymentTable.currency,
  authorized: paymentTable.authorized,
  captured: paymentTable.captured,
  refunded: paymentTable.refunded,
  fee: paymentTable.fee,
  createdAt: paymentTable.createdAt,
};
const eventColumns = {
  paymentId: paymentEventTable.paymentId,
  type: paymentEventTable.type,
  amount: paymentEventTable.amount,
  reference: paymentEventTable.reference,
  data: paymentEventTable.data,
  createdAt: paymentEventTable.createdAt,
};
const operationColumns = {
  id: paymentOperationTable.id,
  paymentId: paymentOperationTable.paymentId,
  kind: paymentOperationTable.kind,
  amount: paymentOperationTable.amount,
  status: paymentOperationTable.status,
  reason: paymentOperationTable.reason,
  error: paymentOperationTable.error,
  createdAt: paymentOperationTable.createdAt,
  finishedAt: paymentOperationTable.finishedAt,
};
type PaymentRow = Pick<Payment, keyof typeof columns>;
type EventRow = Pick<PaymentEvent, keyof typeof eventColumns>;
type OperationRow = Pick<PaymentOperation, keyof typeof operationColumns>;

/** A payment with the events and operations that are its own, among those of other payments. */
function paymentView(row: PaymentRow, allEvents: readonly EventRow[], allOperations: readonly OperationRow[]) {
  const { currency, amount, authorized, captured, refunded, fee, ...payment } = row;
  const isOwn = ({ paymentId }: { paymentId: string }) => paymentId === payment.id;
  const money = (value: number): Money => ({ amount: value, currency });
  const inMoney = <Part extends { paymentId: string; amount: number }>({ paymentId: _, ...part }: Part) => ({
    ...part,
    amount: money(part.amount),
  });
  const events = allEvents.filter(isOwn);
  return {
    ...payment,
    status: statusOf(amount, events),
    amount: money(amount),
    authorized: money(authorized),
    captured: money(captured),
    refunded: money(refunded),
    fee: money(fee),
    events: events.map(inMoney),
    operations: allOperations.filter(isOwn).map(inMoney),
  };
}

/** The order with its payments and its timeline, for the staff. @throws Failure not_found */
export const getOrder = fn(OrderId, async (orderId) => {
  const which = eq(orderTable.id, orderId);
  const [[order], lines, payments, events, operations, timeline] = await read(
    (q) =>
      [
        ...orderQueries(q, which),
        q.select(columns).from(paymentTable).where(eq(paymentTable.orderId, orderId)).orderBy(asc(paymentTable.id)),
        q
          .select(eventColumns)
          .from(paymentEventTable)
          .innerJoin(paymentTable, eq(paymentTable.id, paymentEventTable.paymentId))
          .where(eq(paymentTable.orderId, orderId))
          .orderBy(asc(paymentEventTable.id)),
        q
          .select(operationColumns)
          .from(paymentOperationTable)
          .innerJoin(paymentTable, eq(paymentTable.id, paymentOperationTable.paymentId))
          .where(eq(paymentTable.orderId, orderId))
          .orderBy(asc(paymentOperationTable.id)),
        q
          .select(timelineColumns)
          .from(orderTimelineTable)
          .where(eq(orderTimelineTable.orderId, orderId))
          .orderBy(asc(orderTimelineTable.id))
          .limit(500),
      ] as const,
  );
  if (!order) throw notFound("order");
  return {
    ...view(order, lines),
    attention: order.attention,
    livemode: payments.every(({ livemode }) => livemode !== false),
    payments: payments.map((payment) => paymentView(payment, events, operations)),
    timeline,
  };
});
