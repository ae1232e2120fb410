import { and, eq, lte, sql } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { Inventory } from "../inventory/index.js";
import { defer, read, withSavepoint } from "../kernel/db.js";
import { Failure } from "../kernel/error.js";
import { emit } from "../kernel/event/index.js";
import { OrderPlaced } from "./event.js";
import { type Order, orderLineTable, orderTable } from "./order.sql.js";

/** The fields of an order that payments change, with their new values. */
export type PaymentProgress = Partial<Pick<Order, "status" | "paymentStatus" | "attention" | "concerns">>;

const bump = sql`${orderTable.version} + 1`;

/**
 * Applies an accepted payment to a pending order. One conditional statement with a CHECK behind it: accepted payments
 * never exceed the total, also when several are applied concurrently.
 * @param progress the other changes; the status `open` places the order
 * @returns undefined when the order is not pending, or when its rest is smaller than the amount
 */
export async function applyPayment(tx: Tx, orderId: string, amount: number, progress: PaymentProgress = {}) {
  const amountApplied = sql`${orderTable.amountApplied} + ${amount}`;
  const isPlaced = progress.status === "open";
  const [order] = await tx
    .update(orderTable)
    .set({ ...progress, ...(isPlaced && { placedAt: sql`now()` }), amountApplied, version: bump })
    .where(and(eq(orderTable.id, orderId), eq(orderTable.status, "pending"), lte(amountApplied, orderTable.total)))
    .returning();
  if (!order || !isPlaced) return order;
  const total = { amount: order.total, currency: order.currency };
  emit(OrderPlaced, { orderId, number: order.number, total, placedAt: order.placedAt });
  return order;
}

/** Writes the changes that payments make to an order besides the amount applied, and increments its version. */
export function updateProgress(tx: Tx, orderId: string, progress: PaymentProgress): void {
  defer(
    tx
      .update(orderTable)
      .set({ ...progress, version: bump })
      .where(eq(orderTable.id, orderId)),
  );
}

/**
 * Deducts the goods of an order from stock, its own reservation first; all of them or none.
 * @returns false when there are not enough
 */
export async function deductGoods({ id: orderId, cartId }: Pick<Order, "id" | "cartId">): Promise<boolean> {
  const lines = await read((q) =>
    q
      .select({ variantId: orderLineTable.variantId, quantity: orderLineTable.quantity })
      .from(orderLineTable)
      .where(eq(orderLineTable.orderId, orderId)),
  );
  try {
    await withSavepoint(() => Inventory.allocate(Inventory.deduction(lines, { orderId, holder: cartId })));
    return true;
  } catch (error) {
    if (!(error instanceof Failure) || error.kind !== "conflict") throw error;
    return false;
  }
}
