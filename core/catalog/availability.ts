import { eq, lte, or, type Param, type SQL, sql } from "drizzle-orm";
import type { Reader } from "../../drizzle/reader.js";
import { reservationTable, stockLevelTable } from "../inventory/inventory.sql.js";
import { variantTable } from "./catalog.sql.js";

/**
 * The number of units for sale of the surrounding query's variant, over all locations. Expired reservations do not
 * count as held, even before the sweep has deleted them.
 * @param holder whose own reservations do not count either
 */
export function availableQuantity(q: Reader, holder?: Param): SQL<number> {
  const isFree = holder
    ? or(lte(reservationTable.expiresAt, sql`now()`), eq(reservationTable.holder, holder))
    : lte(reservationTable.expiresAt, sql`now()`);
  const free = q
    .select({ sum: sql`coalesce(sum(${stockLevelTable.onHand} - ${stockLevelTable.reserved}), 0)` })
    .from(stockLevelTable)
    .where(eq(stockLevelTable.variantId, variantTable.id));
  const expired = q
    .select({
      sum: sql`coalesce(sum(${reservationTable.quantity}) filter (where ${isFree}), 0)`,
    })
    .from(reservationTable)
    .where(eq(reservationTable.variantId, variantTable.id));
  return sql<number>`((${free}) + (${expired}))::int`;
}
