import { sql } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import type { CartRow, Line, Shipping } from "../cart/index.js";
import { checkUsage, type UsageCount, usageStatement } from "../entitlement/index.js";
import type { Address } from "../kernel/address.js";
import type { Totals } from "../kernel/amounts.js";
import { insertRows } from "../kernel/rows.js";
import { paymentTable } from "../payment/payment.sql.js";
import { orderMeter } from "./meter.js";
import { counterTable, OrderLineId, orderLineTable, orderTable, orderTimelineTable } from "./order.sql.js";
import { entry } from "./timeline.js";
import { columns, type LineRow, type OrderRow } from "./view.js";

/** The first order of a tenant. */
const FIRST_NUMBER = 1001;

/** A complete cart, and the payment that it is to be paid with. */
export interface Placement {
  orderId: string;
  cart: CartRow;
  email: string;
  shippingAddress: Address;
  lines: readonly Line[];
  shipping: Shipping;
  totals: Totals;
  payment: typeof paymentTable.$inferInsert;
}

/**
 * Writes an order, its lines, its payment and its first entry in one statement. Until the commit it holds the lock of
 * the tenant's counter, for which the next order waits.
 */
export async function place(tx: Tx, placement: Placement) {
  const { orderId, cart, totals, shipping, payment } = placement;
  const lines = placement.lines.map(rowOf);
  const amountApplied = payment.accepted ? payment.amount : 0;
  const isPlaced = amountApplied === totals.total && payment.accepted === true;
  const numbered = tx.$with("numbered").as(
    tx
      .insert(counterTable)
      .values({ name: "order", value: FIRST_NUMBER })
      .onConflictDoUpdate({
        target: [counterTable.tenantId, counterTable.name],
        set: { value: sql`${counterTable.value} + 1` },
      })
      .returning({ value: counterTable.value }),
  );
  const listed = tx.$with("listed").as(
    insertRows(
      tx,
      orderLineTable,
      lines.map((line, position) => ({ ...line, orderId, position })),
    ),
  );
  const opened = tx.$with("opened").as(tx.insert(paymentTable).values(payment));
  const noted = tx
    .$with("noted")
    .as(tx.insert(orderTimelineTable).values(entry(orderId, isPlaced ? "placed" : "payment_awaited")));
  const counted = tx.$with("counted").as(usageStatement(tx, orderMeter));
  const [placed] = await tx
    .with(numbered, listed, opened, noted, counted)
    .insert(orderTable)
    .values({
      id: orderId,
      number: sql`(select value from numbered)`,
      cartId: cart.id,
      tokenHash: cart.tokenHash,
      currency: cart.currency,
      email: placement.email,
      shippingAddress: placement.shippingAddress,
      billingAddress: cart.billingAddress ?? placement.shippingAddress,
      status: isPlaced ? "open" : "pending",
      amountApplied,
      // An order whose total is 0 has no amount to capture.
      paymentStatus: totals.total === 0 ? "captured" : "pending",
      shippingName: shipping.name,
      shippingTaxInclusive: shipping.taxInclusive,
      shippingTaxRate: shipping.taxRate,
      ...totals,
    })
    .returning({ ...columns, counted: sql<UsageCount | null>`(select to_json(counted) from counted)` });
  if (!placed) throw new Error("An insert without a conflict clause answers its row.");
  const { counted: count, ...order } = placed;
  await checkUsage(tx, orderMeter, count);
  return { order: order satisfies OrderRow, lines };
}

const rowOf = (line: Line): LineRow => ({
  id: OrderLineId.create(),
  variantId: line.variantId,
  sku: line.sku,
  productName: line.productName,
  variantName: line.variantName,
  options: line.options,
  quantity: line.quantity,
  unitPrice: line.unitPrice,
  taxInclusive: line.taxInclusive,
  taxRate: line.taxRate,
  tax: line.tax,
  total: line.total,
});
