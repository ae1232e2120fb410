import { and, eq, isNull, lte, sql } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { releaseEntitlement } from "../entitlement/index.js";
import { Inventory } from "../inventory/index.js";
import { withSavepoint } from "../kernel/db.js";
import { Failure } from "../kernel/error.js";
import { emit } from "../kernel/event/index.js";
import { paymentTable } from "../payment/payment.sql.js";
import { OrderCancelled, OrderPlaced } from "./event.js";
import { orderMeter } from "./meter.js";
import { orderLineTable, orderTable, orderTimelineTable } from "./order.sql.js";
import { entry } from "./timeline.js";

/**
 * Counts an accepted payment for an order that waits for it. One conditional statement: whatever races, accepted
 * payments never promise more than the total. @returns undefined when the order does not want it
 */
export async function tender(tx: Tx, orderId: string, amount: number) {
  const tendered = sql`${orderTable.tendered} + ${amount}`;
  const [order] = await tx
    .update(orderTable)
    .set({ tendered })
    .where(and(eq(orderTable.id, orderId), eq(orderTable.status, "pending"), lte(tendered, orderTable.total)))
    .returning();
  return order;
}
export type Tendered = NonNullable<Awaited<ReturnType<typeof tender>>>;

/**
 * A pending order whose money is promised stands, if its goods are still there; else it is cancelled, and says so.
 * @returns why it could not stand
 */
export async function confirm(tx: Tx, order: Tendered): Promise<string | undefined> {
  const lines = await tx
    .select({ variantId: orderLineTable.variantId, quantity: orderLineTable.quantity })
    .from(orderLineTable)
    .where(eq(orderLineTable.orderId, order.id));
  try {
    await withSavepoint(() => Inventory.take(lines, { orderId: order.id, holder: order.cartId }));
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== "conflict") throw error;
    await cancel(tx, order.id, "out_of_stock", "money_returned");
    return "out_of_stock";
  }
  const [placed] = await tx
    .update(orderTable)
    .set({ status: "open", placedAt: sql`now()`, version: sql`${orderTable.version} + 1` })
    .where(eq(orderTable.id, order.id))
    .returning({ placedAt: orderTable.placedAt });
  if (!placed) throw new Error("The order is locked by this transaction.");
  await tx.insert(orderTimelineTable).values(entry(order.id, "placed"));
  const total = { amount: order.total, currency: order.currency };
  emit(OrderPlaced, { orderId: order.id, number: order.number, total, placedAt: placed.placedAt });
  return undefined;
}

/** Ends an order that waits for its money, and lets its goods go. @returns false when it does not wait any more */
export async function cancel(
  tx: Tx,
  orderId: string,
  reason: string,
  attention: string | null = null,
): Promise<boolean> {
  const [order] = await tx
    .update(orderTable)
    .set({ status: "cancelled", tendered: 0, cancelReason: reason, attention, version: sql`${orderTable.version} + 1` })
    .where(and(eq(orderTable.id, orderId), eq(orderTable.status, "pending")))
    .returning({ number: orderTable.number, cartId: orderTable.cartId, createdAt: orderTable.createdAt });
  if (!order) return false;
  await Inventory.release(order.cartId);
  await tx.insert(orderTimelineTable).values(entry(orderId, "cancelled", { reason }));
  await releaseEntitlement(orderMeter, 1, order.createdAt);
  emit(OrderCancelled, { orderId, number: order.number, reason });
  return true;
}

/** Whether an attempt to pay it is under way. The order stays locked, so that no other one begins meanwhile. */
export async function hasOpenAttempt(tx: Tx, orderId: string): Promise<boolean> {
  await tx.select({ id: orderTable.id }).from(orderTable).where(eq(orderTable.id, orderId)).for("update");
  const open = await tx
    .select({ id: paymentTable.id })
    .from(paymentTable)
    .where(and(eq(paymentTable.orderId, orderId), isNull(paymentTable.closedAt)))
    .limit(1);
  return open.length > 0;
}
