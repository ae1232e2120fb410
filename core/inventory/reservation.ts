import { and, eq, gt, min, type Param, sql } from "drizzle-orm";
import type { Reader } from "../../drizzle/reader.js";
import { reservationTable } from "./inventory.sql.js";

/** The statement that reads until when stock is reserved for a holder; its one row has null when none is. */
export const reservedUntilQuery = (q: Reader, holder: string | Param) =>
  q
    .select({ until: min(reservationTable.expiresAt) })
    .from(reservationTable)
    .where(and(eq(reservationTable.holder, holder), gt(reservationTable.expiresAt, sql`now()`)));
