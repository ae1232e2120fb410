import { and, eq, inArray, isNull, or, sql } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { orderTable, orderTimelineTable } from "./order.sql.js";
import { entry } from "./timeline.js";

/** That its money will not come is worse than that it could not be taken. */
const LOST = "payment_lost";

/** Asks for somebody's attention to an order that stands, once. */
export async function flag(
  tx: Tx,
  orderId: string,
  attention: "payment_lost" | "capture_failed",
  data: Record<string, unknown>,
): Promise<void> {
  const worse = attention === LOST ? sql`${orderTable.attention} <> ${LOST}` : undefined;
  const [flagged] = await tx
    .update(orderTable)
    .set({ attention, version: sql`${orderTable.version} + 1` })
    .where(
      and(
        eq(orderTable.id, orderId),
        inArray(orderTable.status, ["open", "completed"]),
        or(isNull(orderTable.attention), worse),
      ),
    )
    .returning({ id: orderTable.id });
  if (flagged) await tx.insert(orderTimelineTable).values(entry(orderId, attention, data));
}
