import { char, date, integer, primaryKey } from "drizzle-orm/pg-core";
import { minorUnits } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";
import type { Currency } from "../kernel/money.js";

/** The sales of a day (UTC) in one currency, counted by a subscriber, one event at a time. */
export const salesDayTable = tenantTable(
  "sales_day",
  {
    day: date("day", { mode: "string" }).notNull(),
    currency: char("currency", { length: 3 }).notNull().$type<Currency>(),
    orders: integer("orders").notNull().default(0),
    revenue: minorUnits("revenue").notNull().default(0),
  },
  (self) => [primaryKey({ name: "sales_day_pk", columns: [self.tenantId, self.day, self.currency] })],
);
