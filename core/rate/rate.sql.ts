import { sql } from "drizzle-orm";
import { boolean, doublePrecision, index, text } from "drizzle-orm/pg-core";
import { instant } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";

/**
 * The end of the day after the next one, when a bucket that is not used again is full and can go. It changes once a day,
 * so that the other uses of a bucket need no new entry in the index.
 */
export const forgottenAt = sql`date_trunc('day', now()) + interval '2 days'`;

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
    forgetAt: instant("forget_at").notNull().default(forgottenAt),
  },
  (self) => [index("rate_bucket_forget").on(self.forgetAt)],
  { unlogged: true },
);
