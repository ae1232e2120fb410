import { sql } from "drizzle-orm";
import { boolean, char, check, foreignKey, index, jsonb, text, unique, uniqueIndex } from "drizzle-orm/pg-core";
import { instant, minorUnits } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";
import { id } from "../kernel/id.js";
import type { Currency } from "../kernel/money.js";
import { OrderId, orderTable } from "../order/order.sql.js";

export const PaymentId = id("pay");
export const PaymentEventId = id("pev");
export const OperationId = id("pop");

export const paymentEventTypes = [
  "opened",
  "action_required",
  "processing",
  "authorized",
  "captured",
  "voided",
  "expired",
  "failed",
  "refunded",
  "refund_failed",
] as const;

/** One attempt to pay an order with one provider; its status is derived from its events. */
export const paymentTable = tenantTable(
  "payment",
  {
    id: PaymentId.column("id").notNull(),
    orderId: OrderId.column("order_id").notNull(),
    provider: text("provider").notNull(),
    /** How the shopper pays with it: `payment_intent` (the shop's own page) or `checkout_session` (the provider's). */
    method: text("method"),
    amount: minorUnits("amount").notNull(),
    currency: char("currency", { length: 3 }).notNull().$type<Currency>(),
    /** The merchant's account at the provider when the attempt was made; a payment never moves to another account. */
    account: text("account"),
    livemode: boolean("livemode"),
    /** The provider's id of the payment, and of the page on which it is paid. */
    reference: text("reference"),
    session: text("session"),
    /** Where the shopper's browser goes after the provider's page. */
    returnUrl: text("return_url"),
    /** The platform's share. */
    fee: minorUnits("fee").notNull().default(0),
    /** The share that the provider has collected, and the part of it returned with refunds, as the ledger has them. */
    feeTaken: minorUnits("fee_taken").notNull().default(0),
    feeReturned: minorUnits("fee_returned").notNull().default(0),
    /** Sums of the events and of the pending operations, so that CHECKs and conditional statements can hold them. */
    authorized: minorUnits("authorized").notNull().default(0),
    pendingCapture: minorUnits("capturing").notNull().default(0),
    captured: minorUnits("captured").notNull().default(0),
    pendingRefund: minorUnits("refunding").notNull().default(0),
    refunded: minorUnits("refunded").notNull().default(0),
    /** Counted in the order's amount applied; the money of any other attempt goes back. */
    accepted: boolean("accepted").notNull().default(false),
    openedAt: instant("opened_at"),
    /** When an unpaid attempt is closed at the provider; null when the attempt needs no closing. */
    expiresAt: instant("expires_at"),
    /** When the attempt became unable to succeed: it was voided, expired or failed for good. */
    closedAt: instant("closed_at"),
  },
  (self) => [
    foreignKey({
      name: "payment_order",
      columns: [self.tenantId, self.orderId],
      foreignColumns: [orderTable.tenantId, orderTable.id],
    }),
    index("payment_order_id").on(self.tenantId, self.orderId),
    uniqueIndex("payment_reference").on(self.tenantId, self.provider, self.reference),
    index("payment_session").on(self.tenantId, self.session),
    check("payment_amount", sql`amount >= 0 and fee between 0 and amount`),
    check("payment_fees", sql`fee_taken >= 0 and fee_returned between 0 and fee_taken`),
    check("payment_authorized", sql`authorized between 0 and amount`),
    check("payment_sums", sql`captured >= 0 and capturing >= 0 and captured + capturing <= authorized`),
    check("payment_refunds", sql`refunded >= 0 and refunding >= 0 and refunded + refunding <= captured`),
  ],
  { due: (self) => ({ at: self.expiresAt }) },
);

export type Payment = typeof paymentTable.$inferSelect;

/** A payment event: one change that a provider reported of a payment; append-only. */
export const paymentEventTable = tenantTable(
  "payment_event",
  {
    id: PaymentEventId.column("id").notNull(),
    paymentId: PaymentId.column("payment_id").notNull(),
    type: text("type", { enum: paymentEventTypes }).notNull(),
    amount: minorUnits("amount").notNull(),
    /** Makes an event unique for a payment, in the provider's terms: an event that is reported twice is written once. */
    reference: text("reference"),
    data: jsonb("data").notNull().default({}).$type<Record<string, unknown>>(),
  },
  (self) => [
    foreignKey({
      name: "payment_event_payment",
      columns: [self.tenantId, self.paymentId],
      foreignColumns: [paymentTable.tenantId, paymentTable.id],
    }),
    index("payment_event_payment_id").on(self.tenantId, self.paymentId, self.id),
    uniqueIndex("payment_event_reference").on(self.tenantId, self.paymentId, self.type, self.reference),
    check("payment_event_amount", sql`amount >= 0`),
  ],
  { appendOnly: true },
);

export type PaymentEvent = typeof paymentEventTable.$inferSelect;

export const operationKinds = ["capture", "refund", "void"] as const;
export const operationStatuses = ["pending", "succeeded", "failed"] as const;

/**
 * A capture, refund or void: committed before the provider is called, while the payment keeps its amount as pending. Its
 * id never changes and is the idempotency key of the call.
 */
export const paymentOperationTable = tenantTable(
  "payment_operation",
  {
    id: OperationId.column("id").notNull(),
    paymentId: PaymentId.column("payment_id").notNull(),
    kind: text("kind", { enum: operationKinds }).notNull(),
    amount: minorUnits("amount").notNull(),
    status: text("status", { enum: operationStatuses }).notNull().default("pending"),
    reason: text("reason"),
    /** The provider's id of the operation. */
    reference: text("reference"),
    error: text("error"),
    /** The key of the request that made the operation, so that a retry of the request finds it. */
    requestKey: text("request_key"),
    actor: jsonb("actor").notNull().$type<Record<string, unknown>>(),
    finishedAt: instant("finished_at"),
  },
  (self) => [
    foreignKey({
      name: "payment_operation_payment",
      columns: [self.tenantId, self.paymentId],
      foreignColumns: [paymentTable.tenantId, paymentTable.id],
    }),
    index("payment_operation_payment_id").on(self.tenantId, self.paymentId, self.id),
    unique("payment_operation_request").on(self.tenantId, self.requestKey),
    check("payment_operation_amount", sql`amount >= 0`),
    check("payment_operation_kind", sql`kind in ('capture', 'refund', 'void')`),
    check("payment_operation_status", sql`status in ('pending', 'succeeded', 'failed')`),
  ],
);
export type PaymentOperation = typeof paymentOperationTable.$inferSelect;
