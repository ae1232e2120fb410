import { boolean, doublePrecision, text } from "drizzle-orm/pg-core";
import { instant } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";

/** Token buckets of tenants, keys and addresses; a crash of the server refills them. */
export const rateBucketTable = tenantTable(
  "rate_bucket",
  {
    /** `policy:key`. */
    id: text("id").notNull(),
    capacity: doublePrecision("capacity").notNull(),
    perSecond: doublePrecision("per_second").notNull(),
    tokens: doublePrecision("tokens").notNull(),
    /** Whether the last one who asked got a token. */
    granted: boolean("granted").notNull(),
    refilledAt: instant("refilled_at").notNull(),
  },
  undefined,
  { unlogged: true },
);
