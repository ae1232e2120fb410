import { boolean, doublePrecision, text } from "drizzle-orm/pg-core";
import { instant } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";

/**
 * Token buckets of tenants, keys and addresses. A crash of the database server empties the table, so that all are full
 * again.
 */
export const rateBucketTable = tenantTable(
  "rate_bucket",
  {
    /** `policy:key`. */
    id: text("id").notNull(),
    capacity: doublePrecision("capacity").notNull(),
    perSecond: doublePrecision("per_second").notNull(),
    tokens: doublePrecision("tokens").notNull(),
    /** Whether the last request got a token. */
    granted: boolean("granted").notNull(),
    refilledAt: instant("refilled_at").notNull(),
  },
  undefined,
  { unlogged: true },
);
