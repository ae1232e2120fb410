import { and, gte, notInArray, sql } from "drizzle-orm";
import { defineMeter, monthStart } from "../entitlement/index.js";
import { orderTable } from "./order.sql.js";

/**
 * Ids are UUIDv7, so that the primary key sorts by age; the clock of the process that made an id may be a day slow, and
 * an order may wait a week until it is placed.
 */
const sinceMonth = sql`(select uuidv7(${monthStart()} - now() - interval '8 days'))`;

/** The orders placed in a month (UTC); a cancelled order gives its place back, and a pending one has none yet. */
export const orderMeter = defineMeter({
  name: "ordersPerMonth",
  limits: { starter: 500, growth: 5_000, scale: null },
  per: "month",
  count: (q) =>
    q
      .select({ count: sql`count(*)` })
      .from(orderTable)
      .where(
        and(
          gte(orderTable.id, sinceMonth),
          gte(orderTable.placedAt, monthStart()),
          notInArray(orderTable.status, ["cancelled", "pending"]),
        ),
      ),
});
