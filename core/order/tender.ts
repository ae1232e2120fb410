import { and, eq, lte, sql } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { orderTable } from "./order.sql.js";

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
