import * as z from "zod";
import { Money } from "../kernel/money.js";
import { Attention, OrderRecord, PaymentStatus, TimelineEntry } from "../order/index.js";
import { type StatusEvent, statusOf } from "./order-status.js";
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

/** The newest so many of each are in the body of an order; `hasMore` tells whether there are older ones. */
export const SHOWN = { payments: 20, events: 50, operations: 50, timeline: 50, notes: 20 } as const;

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
  status: z.enum(operationStatuses).meta({
    description: "`pending`: the provider has not answered yet. A refund that has `succeeded` may still fail",
  }),
  reason: z.string().nullable(),
  error: z.string().nullable(),
  actor: z.record(z.string(), z.unknown()),
  createdAt: z.string(),
  finishedAt: z.string().nullable(),
});
const newestOf = (name: keyof typeof SHOWN) => `The newest ${SHOWN[name]}`;
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
    events: z
      .array(PaymentEventRecord)
      .meta({ description: `The changes that the provider reported, oldest first. ${newestOf("events")}` }),
    operations: z.array(PaymentOperationRecord).meta({
      description: `Captures, refunds and voids that were requested, oldest first. ${newestOf("operations")}`,
    }),
    createdAt: z.string(),
  })
  .meta({ id: "Payment" });

const ConcernRecord = z
  .object({
    code: z.string(),
    reference: z.string().meta({ description: "The id of the payment, refund or dispute that it is about" }),
    amount: z.int().optional().meta({ description: "Minor units of the order's currency" }),
  })
  .meta({ id: "Concern", description: "One reason why the staff should review the order." });

/** The order as the staff sees it. */
export const OrderDetail = OrderRecord.extend({
  attention: Attention,
  concerns: z.array(ConcernRecord).meta({ description: "All reasons for attention, oldest first" }),
  livemode: z.boolean().meta({ description: "false when one of its payments is made with a test card" }),
  payments: z.array(PaymentRecord).meta({ description: `Oldest first. ${newestOf("payments")}` }),
  timeline: z.array(TimelineEntry).meta({
    description: `The facts of the order's history, newest first. ${newestOf("timeline")}; all of them: \`/timeline\``,
  }),
  notes: z.array(TimelineEntry).meta({ description: `The staff's notes, newest first. ${newestOf("notes")}` }),
  hasMore: z
    .object({
      payments: z.boolean(),
      events: z.boolean(),
      operations: z.boolean(),
      timeline: z.boolean(),
      notes: z.boolean(),
    })
    .meta({ description: "Whether there are older ones than those listed" }),
}).meta({ id: "OrderDetail" });

export const columns = {
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
export const eventColumns = {
  paymentId: paymentEventTable.paymentId,
  type: paymentEventTable.type,
  amount: paymentEventTable.amount,
  reference: paymentEventTable.reference,
  data: paymentEventTable.data,
  createdAt: paymentEventTable.createdAt,
};
export const operationColumns = {
  id: paymentOperationTable.id,
  paymentId: paymentOperationTable.paymentId,
  kind: paymentOperationTable.kind,
  amount: paymentOperationTable.amount,
  status: paymentOperationTable.status,
  reason: paymentOperationTable.reason,
  error: paymentOperationTable.error,
  actor: paymentOperationTable.actor,
  createdAt: paymentOperationTable.createdAt,
  finishedAt: paymentOperationTable.finishedAt,
};
type PaymentRow = Pick<Payment, keyof typeof columns>;
type EventRow = Pick<PaymentEvent, keyof typeof eventColumns>;
type OperationRow = Pick<PaymentOperation, keyof typeof operationColumns>;

/** A payment with the events and operations that are its own, among those of other payments. */
export function paymentView(row: PaymentRow, allEvents: readonly EventRow[], allOperations: readonly OperationRow[]) {
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
    status: statusOf(amount, [...sumsOf(row), ...events.filter(({ type }) => !inSums.includes(type))]),
    amount: money(amount),
    authorized: money(authorized),
    captured: money(captured),
    refunded: money(refunded),
    fee: money(fee),
    events: events.map(inMoney),
    operations: allOperations.filter(isOwn).map(inMoney),
  };
}

/** Events whose amounts are in the sums of the row, so that the status needs none of them. */
const inSums: readonly string[] = ["authorized", "captured", "refunded", "refund_failed"];

function sumsOf({ authorized, captured, refunded }: PaymentRow): StatusEvent[] {
  const sums = { authorized, captured, refunded };
  return (["authorized", "captured", "refunded"] as const)
    .filter((type) => sums[type] > 0)
    .map((type) => ({ type, amount: sums[type], reference: null }));
}
