import { eq, sql } from "drizzle-orm";
import { bigint, check, primaryKey, text } from "drizzle-orm/pg-core";
import { instant } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";

/** Plans that are for sale. */
export const soldPlans = ["starter", "growth", "scale"] as const;
/** `trial`: before there is a subscription. `sandbox`: test mode, which is never billed. */
export const planCodes = [...soldPlans, "trial", "sandbox"] as const;
export type PlanCode = (typeof planCodes)[number];

/** Hours after which the usage of a tenant is compared with its rows again. */
export const RECOUNT_HOURS = 24;

/** The tenant's usage of each limit of its plan, counted in the transaction of the use. */
export const usageTable = tenantTable(
  "usage",
  {
    metric: text("metric").notNull(),
    /** `2026-11` for a limit by month (UTC), empty for a limit without a period. */
    period: text("period").notNull().default(""),
    value: bigint("value", { mode: "number" }).notNull().default(0),
    /**
     * The instant of the last comparison with the counted rows. A new row counts as compared, because it begins right.
     */
    countedAt: instant("counted_at").default(sql`now()`),
  },
  (self) => [
    primaryKey({ name: "usage_pk", columns: [self.tenantId, self.metric, self.period] }),
    check("usage_value", sql`value >= 0`),
  ],
  { due: (self) => ({ at: self.countedAt, after: `${RECOUNT_HOURS} hours`, where: eq(self.period, "") }) },
);
