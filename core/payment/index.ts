export * as Payment from "./index.js";

import * as z from "zod";
import { Money } from "../kernel/money.js";
import { paymentStatuses } from "../order/order.sql.js";
import { manual } from "./manual.js";
import {
  OperationId,
  operationKinds,
  operationStatuses,
  PaymentId,
  paymentEventTable,
  paymentEventTypes,
  paymentOperationTable,
  paymentTable,
} from "./payment.sql.js";
import { Action } from "./provider.js";
import { stripe } from "./stripe/index.js";

export { type Provider, paymentProviders } from "./provider.js";

/** The providers that the core brings. */
export const providers = [manual, stripe];

export const PaymentStatus = z.enum(paymentStatuses).meta({ id: "PaymentStatus" });
export type PaymentStatus = z.infer<typeof PaymentStatus>;

/** What the shopper learns of a payment. */
export const PaymentStep = z.object({ status: PaymentStatus, action: Action }).meta({ id: "PaymentStep" });
export type PaymentStep = z.infer<typeof PaymentStep>;

const PaymentEvent = z.object({
  type: z.enum(paymentEventTypes),
  amount: Money,
  reference: z.string().nullable(),
  data: z.record(z.string(), z.unknown()),
  createdAt: z.string(),
});
const PaymentOperation = z.object({
  id: OperationId,
  kind: z.enum(operationKinds),
  amount: Money,
  status: z.enum(operationStatuses).meta({ description: "`pending`: the provider has not answered yet" }),
  reason: z.string().nullable(),
  error: z.string().nullable(),
  createdAt: z.string(),
  finishedAt: z.string().nullable(),
});
export const PaymentRecord = z
  .object({
    id: PaymentId,
    provider: z.string(),
    method: z.string().nullable(),
    reference: z.string().nullable().meta({ description: "The provider's id" }),
    status: PaymentStatus,
    amount: Money,
    authorized: Money,
    captured: Money,
    refunded: Money,
    fee: Money.meta({ description: "The platform's application fee" }),
    events: z.array(PaymentEvent).meta({ description: "The changes that the provider reported, oldest first" }),
    operations: z
      .array(PaymentOperation)
      .meta({ description: "Captures, refunds and voids that were requested, oldest first" }),
    createdAt: z.string(),
  })
  .meta({ id: "Payment" });

export const columns = {
  id: paymentTable.id,
  provider: paymentTable.provider,
  method: paymentTable.method,
  reference: paymentTable.reference,
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
  createdAt: paymentOperationTable.createdAt,
  finishedAt: paymentOperationTable.finishedAt,
};
type Row = Pick<typeof paymentTable.$inferSelect, keyof typeof columns>;
type EventRow = Pick<typeof paymentEventTable.$inferSelect, keyof typeof eventColumns>;
type OperationRow = Pick<typeof paymentOperationTable.$inferSelect, keyof typeof operationColumns>;

/** Derived from what the provider said; nothing else decides it. Minor units. */
export function statusOf(amount: number, events: readonly Said[]): PaymentStatus {
  const of = (...types: EventRow["type"][]) => events.filter(({ type }) => types.includes(type));
  const sum = (some: readonly Said[]) => some.reduce((all, event) => all + event.amount, 0);
  const captured = sum(of("captured"));
  const made = new Set(of("refunded").map(({ reference }) => reference));
  // What failed before it ever counted as made takes nothing back.
  const refunded = sum(of("refunded")) - sum(of("refund_failed").filter(({ reference }) => made.has(reference)));
  if (captured > 0 && refunded >= captured) return "refunded";
  if (refunded > 0) return "partially_refunded";
  if (captured >= amount) return "captured";
  if (captured > 0) return "partially_captured";
  if (of("voided", "expired").length > 0) return "voided";
  // What was under way before that, and is told late, changes nothing.
  if (of("authorized").length > 0) return "authorized";
  const { type } = events.findLast((event) => event.type in last) ?? {};
  return type ? (last[type] ?? "pending") : "pending";
}
type Said = Pick<EventRow, "type" | "amount" | "reference">;

/** What the latest of these events makes of a payment that nobody stands for yet. */
const last: Partial<Record<EventRow["type"], PaymentStatus>> = {
  action_required: "pending",
  processing: "processing",
  failed: "failed",
};

export function view(row: Row, all: readonly EventRow[], asked: readonly OperationRow[]) {
  const { currency, amount, authorized, captured, refunded, fee, ...payment } = row;
  const mine = ({ paymentId }: { paymentId: string }) => paymentId === payment.id;
  const money = (value: number): Money => ({ amount: value, currency });
  const inMoney = <Part extends { paymentId: string; amount: number }>({ paymentId: _, ...part }: Part) => ({
    ...part,
    amount: money(part.amount),
  });
  const events = all.filter(mine);
  return {
    ...payment,
    status: statusOf(amount, events),
    amount: money(amount),
    authorized: money(authorized),
    captured: money(captured),
    refunded: money(refunded),
    fee: money(fee),
    events: events.map(inMoney),
    operations: asked.filter(mine).map(inMoney),
  };
}
