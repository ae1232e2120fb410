import { isNotNull, sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  char,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  primaryKey,
  smallint,
  text,
  unique,
} from "drizzle-orm/pg-core";
import { instant, minorUnits, version } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";
import { CartId, cartTable } from "../cart/cart.sql.js";
import { VariantId } from "../catalog/catalog.sql.js";
import type { Address } from "../kernel/address.js";
import { id } from "../kernel/id.js";
import type { Currency } from "../kernel/money.js";

export const TimelineId = id("otl");
export const OrderLineId = id("oln");
export const OrderId = id("ord");

/** `pending`: created at checkout, and not placed before its payments are authorized. */
export const orderStatuses = ["pending", "open", "completed", "cancelled"] as const;
export const paymentStatuses = [
  "pending",
  "processing",
  "authorized",
  "partially_captured",
  "captured",
  "partially_refunded",
  "refunded",
  "voided",
  "failed",
] as const;
export type PaymentStatus = (typeof paymentStatuses)[number];
export const fulfillmentStatuses = ["unfulfilled", "partially_fulfilled", "fulfilled"] as const;

/** A purchase: an immutable snapshot of the cart. Only the three statuses change, each independently of the others. */
export const orderTable = tenantTable(
  "order",
  {
    id: OrderId.column("id").notNull(),
    /** Counts up from 1001 in each tenant. */
    number: integer("number").notNull(),
    cartId: CartId.column("cart_id").notNull(),
    tokenHash: text("token_hash").notNull(),
    status: text("status", { enum: orderStatuses }).notNull().default("open"),
    paymentStatus: text("payment_status", { enum: paymentStatuses }).notNull().default("pending"),
    fulfillmentStatus: text("fulfillment_status", { enum: fulfillmentStatuses }).notNull().default("unfulfilled"),
    currency: char("currency", { length: 3 }).notNull().$type<Currency>(),
    email: text("email").notNull(),
    /**
     * The address without case, for the search: `lower()` is not leakproof, so that under a policy it would be evaluated
     * for every order of the tenant, and an index on it could not serve.
     */
    emailFolded: text("email_folded").notNull().generatedAlwaysAs(sql`lower(email)`),
    shippingAddress: jsonb("shipping_address").notNull().$type<Address>(),
    billingAddress: jsonb("billing_address").notNull().$type<Address>(),
    shippingName: text("shipping_name").notNull(),
    /** Minor units: goods and shipping as listed; tax is contained in the total either way. */
    subtotal: minorUnits("subtotal").notNull(),
    shipping: minorUnits("shipping").notNull(),
    shippingTaxInclusive: boolean("shipping_tax_inclusive").notNull(),
    /** Whole basis points, and hundredths of one: `joinedRate()`. */
    shippingTaxRateWhole: integer("shipping_tax_rate").notNull(),
    shippingTaxRateHundredths: smallint("shipping_tax_rate_hundredths").notNull().default(0),
    tax: minorUnits("tax").notNull(),
    total: minorUnits("total").notNull(),
    /** The sum of the accepted payments: never more than the total, also under concurrency. */
    amountApplied: minorUnits("tendered").notNull().default(0),
    /** The gravest of the reasons why the staff should review the order, as a code; null for nearly all orders. */
    attention: text("attention"),
    /** All of these reasons, each with the object that it is about. */
    concerns: jsonb("concerns").notNull().default([]).$type<{ code: string; reference: string; amount?: number }[]>(),
    cancelReason: text("cancel_reason"),
    /** The client that made the order, as a keyed hash; null when a server made it for its shopper. */
    addressKey: text("address_key"),
    /** The end of all attempts to pay the order together. Null in a row of a release that did not write it. */
    paymentDueAt: instant("payment_due_at"),
    placedAt: instant("placed_at").notNull().default(sql`now()`),
    version: version(),
  },
  (self) => [
    unique("order_number").on(self.tenantId, self.number),
    // One cart makes one order, also when several requests complete it concurrently.
    unique("order_cart").on(self.tenantId, self.cartId),
    foreignKey({
      name: "order_from_cart",
      columns: [self.tenantId, self.cartId],
      foreignColumns: [cartTable.tenantId, cartTable.id],
    }),
    index("order_email_folded").on(self.tenantId, self.emailFolded, self.id),
    index("order_status").on(self.tenantId, self.status, self.id),
    index("order_payment_status").on(self.tenantId, self.paymentStatus, self.id),
    index("order_attention").on(self.tenantId, self.id).where(isNotNull(self.attention)),
    check("order_totals", sql`subtotal >= 0 and shipping >= 0 and tax >= 0 and total >= 0`),
    check("order_tendered", sql`tendered between 0 and total`),
    check("order_status_known", sql`status in ('pending', 'open', 'completed', 'cancelled')`),
  ],
);
export type Order = typeof orderTable.$inferSelect;

export const orderLineTable = tenantTable(
  "order_line",
  {
    id: OrderLineId.column("id").notNull(),
    orderId: OrderId.column("order_id").notNull(),
    /** The variant as it was; no foreign key, because the snapshot outlives it. */
    variantId: VariantId.column("variant_id").notNull(),
    sku: text("sku").notNull(),
    productName: text("product_name").notNull(),
    variantName: text("variant_name").notNull(),
    options: jsonb("options").notNull().$type<Record<string, string>>(),
    quantity: integer("quantity").notNull(),
    unitPrice: minorUnits("unit_price").notNull(),
    taxInclusive: boolean("tax_inclusive").notNull(),
    /** Whole basis points, and hundredths of one: `joinedRate()`. */
    taxRateWhole: integer("tax_rate").notNull(),
    taxRateHundredths: smallint("tax_rate_hundredths").notNull().default(0),
    tax: minorUnits("tax").notNull(),
    /** The amount that the customer pays for the line, tax included. */
    total: minorUnits("total").notNull(),
    position: integer("position").notNull(),
  },
  (self) => [
    foreignKey({
      name: "order_line_order",
      columns: [self.tenantId, self.orderId],
      foreignColumns: [orderTable.tenantId, orderTable.id],
    }),
    index("order_line_order_id").on(self.tenantId, self.orderId, self.position),
    check("order_line_quantity", sql`quantity between 1 and 10000`),
  ],
);

/** A note of the staff; every other entry of a timeline is a fact. */
export const NOTE = "note";
/** Entries that are facts, as the index of them has it. */
export const isFact = sql`type <> 'note'`;
export const isNote = sql`type = 'note'`;

/** The history of an order, one row for each change: append-only. */
export const orderTimelineTable = tenantTable(
  "order_timeline",
  {
    id: TimelineId.column("id").notNull(),
    orderId: OrderId.column("order_id").notNull(),
    type: text("type").notNull(),
    data: jsonb("data").notNull().$type<Record<string, unknown>>(),
    actor: jsonb("actor").notNull().$type<Record<string, unknown>>(),
  },
  (self) => [
    foreignKey({
      name: "order_timeline_order",
      columns: [self.tenantId, self.orderId],
      foreignColumns: [orderTable.tenantId, orderTable.id],
    }),
    index("order_timeline_order_id").on(self.tenantId, self.orderId, self.id),
    // Thousands of notes do not slow the search of facts.
    index("order_timeline_facts").on(self.tenantId, self.orderId, self.id).where(isFact),
  ],
  { appendOnly: true },
);

/** Numbers that count up per tenant; the row is locked until commit, so it is taken late. */
export const counterTable = tenantTable(
  "counter",
  { name: text("name").notNull(), value: bigint("value", { mode: "number" }).notNull() },
  (self) => [primaryKey({ name: "counter_pk", columns: [self.tenantId, self.name] })],
);
