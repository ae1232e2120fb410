import { eq, type SQL, sql } from "drizzle-orm";
import type { Reader } from "../../drizzle/reader.js";
import { reservationTable, stockLevelTable } from "../inventory/inventory.sql.js";
import { variantTable } from "./catalog.sql.js";

/**
 * The number of units for sale of the surrounding query's variant, over all locations. Expired reservations do not
 * count as held, even before the sweep has deleted them.
 */
export function availableQuantity(q: Reader): SQL<number> {
  const free = q
    .select({ sum: sql`coalesce(sum(${stockLevelTable.onHand} - ${stockLevelTable.reserved}), 0)` })
    .from(stockLevelTable)
    .where(eq(stockLevelTable.variantId, variantTable.id));
  const expired = q
    .select({
      sum: sql`coalesce(sum(${reservationTable.quantity}) filter (where ${reservationTable.expiresAt} <= now()), 0)`,
    })
    .from(reservationTable)
    .where(eq(reservationTable.variantId, variantTable.id));
  return sql<number>`((${free}) + (${expired}))::int`;
}
