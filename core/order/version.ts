import type { SQL } from "drizzle-orm";
import type { Reader } from "../../drizzle/reader.js";
import { bump } from "../kernel/version.js";
import { orderTable } from "./order.sql.js";

/**
 * Moves the version of an order with the statement that writes a row which the order's body shows, as its `with` clause.
 * Postgres runs such a clause after the statement itself, so that locks are taken in the usual order.
 */
export const movedVersion = (q: Reader, which: SQL | undefined) =>
  q.$with("moved").as(
    q
      .with()
      .update(orderTable)
      .set({ version: bump(orderTable) })
      .where(which),
  );
