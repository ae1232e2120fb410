import { sql } from "drizzle-orm";
import { char, check, foreignKey, index, jsonb, text } from "drizzle-orm/pg-core";
import { minorUnits, typeId } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";
import type { Currency } from "../money.js";
import { orderTable } from "../order/order.sql.js";

/** One attempt to pay an order with one provider; its status is derived from its events. */
export const paymentTable = tenantTable(
  "payment",
  {
    id: typeId("pay")("id").notNull(),
    orderId: typeId("ord")("order_id").notNull(),
    provider: text("provider").notNull(),
    amount: minorUnits("amount").notNull(),
    currency: char("currency", { length: 3 }).notNull().$type<Currency>(),
    /** Sums of the events, so that a CHECK and one conditional UPDATE can hold them to the amount. */
    captured: minorUnits("captured").notNull().default(0),
    refunded: minorUnits("refunded").notNull().default(0),
  },
  (self) => [
    foreignKey({
      name: "payment_order",
      columns: [self.tenantId, self.orderId],
      foreignColumns: [orderTable.tenantId, orderTable.id],
    }),
    index("payment_order_id").on(self.tenantId, self.orderId),
    check("payment_amount", sql`amount >= 0`),
    check("payment_sums", sql`captured between 0 and amount and refunded between 0 and captured`),
  ],
);

/** What a provider said of a payment: append-only. */
export const paymentEventTable = tenantTable(
  "payment_event",
  {
    id: typeId("pev")("id").notNull(),
    paymentId: typeId("pay")("payment_id").notNull(),
    type: text("type", { enum: ["authorized", "captured", "voided", "refunded", "failed"] }).notNull(),
    amount: minorUnits("amount").notNull(),
    data: jsonb("data").notNull().default({}).$type<Record<string, unknown>>(),
  },
  (self) => [
    foreignKey({
      name: "payment_event_payment",
      columns: [self.tenantId, self.paymentId],
      foreignColumns: [paymentTable.tenantId, paymentTable.id],
    }),
    index("payment_event_payment_id").on(self.tenantId, self.paymentId, self.id),
    check("payment_event_amount", sql`amount >= 0`),
  ],
);
