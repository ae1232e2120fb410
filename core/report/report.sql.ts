import { sql } from "drizzle-orm";
import { char, check, date, integer, primaryKey, text } from "drizzle-orm/pg-core";
import { instant, minorUnits } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";
import type { Currency } from "../kernel/money.js";

const saleFactKinds = ["placed", "cancelled", "refunded", "refund_failed"] as const;

/**
 * What happened to the sales of a tenant, one row for each fact: append-only, so that a fact that comes again is found
 * and counted once.
 */
export const saleFactTable = tenantTable(
  "sale_fact",
  {
    /** The id of the order, or of the payment event of a refund. */
    reference: text("reference").notNull(),
    kind: text("kind", { enum: saleFactKinds }).notNull(),
    occurredAt: instant("occurred_at").notNull(),
    currency: char("currency", { length: 3 }).notNull().$type<Currency>(),
    /** Minor units of the sale: the total of an order, or the part of it that was given back or came back. */
    amount: minorUnits("amount").notNull(),
  },
  (self) => [
    primaryKey({ name: "sale_fact_pk", columns: [self.tenantId, self.reference, self.kind] }),
    check("sale_fact_kind", sql`kind in ('placed', 'cancelled', 'refunded', 'refund_failed')`),
    check("sale_fact_amount", sql`amount >= 0`),
  ],
  { appendOnly: true },
);

/**
 * The sums of the facts of a quarter of an hour in one currency. The clocks of all time zones differ by whole quarters, so
 * that each quarter belongs to one day of each zone, and a report reads at most 96 of them for a day.
 */
export const saleQuarterTable = tenantTable(
  "sale_quarter",
  {
    /** Quarters of an hour since 1970 (UTC). */
    quarter: integer("quarter").notNull(),
    currency: char("currency", { length: 3 }).notNull().$type<Currency>(),
    orders: integer("orders").notNull().default(0),
    cancelledOrders: integer("cancelled_orders").notNull().default(0),
    /** Minor units. */
    gross: minorUnits("gross").notNull().default(0),
    cancelled: minorUnits("cancelled").notNull().default(0),
    /** Below zero where more refunds turned out to have failed than were made. */
    refunded: minorUnits("refunded").notNull().default(0),
  },
  (self) => [primaryKey({ name: "sale_quarter_pk", columns: [self.tenantId, self.quarter, self.currency] })],
);

/** The sales of a day (UTC) as the release before this one counts them; this release neither reads nor writes it. */
export const salesDayTable = tenantTable(
  "sales_day",
  {
    day: date("day", { mode: "string" }).notNull(),
    currency: char("currency", { length: 3 }).notNull().$type<Currency>(),
    orders: integer("orders").notNull().default(0),
    revenue: minorUnits("revenue").notNull().default(0),
  },
  (self) => [primaryKey({ name: "sales_day_pk", columns: [self.tenantId, self.day, self.currency] })],
);
