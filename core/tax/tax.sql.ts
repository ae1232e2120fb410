import { sql } from "drizzle-orm";
import { boolean, char, check, foreignKey, integer, smallint, text, unique } from "drizzle-orm/pg-core";

import { tenantTable } from "../../drizzle/table.js";
import { id } from "../kernel/id.js";

export const TaxClassId = id("txc");
export const TaxRateId = id("txr");

/** A group of goods for the tax office: standard, reduced, exempt. */
export const taxClassTable = tenantTable(
  "tax_class",
  {
    id: TaxClassId.column("id").notNull(),
    name: text("name").notNull(),
    code: text("code").notNull(),
    isDefault: boolean("is_default").notNull().default(false),
  },
  (self) => [unique("tax_class_code").on(self.tenantId, self.code)],
);

/** The rate of a class in a country, or in a province of it. */
export const taxRateTable = tenantTable(
  "tax_rate",
  {
    id: TaxRateId.column("id").notNull(),
    taxClassId: TaxClassId.column("tax_class_id").notNull(),
    country: char("country", { length: 2 }).notNull(),
    /** ISO 3166-2: the rate applies in this province instead of the country's. Null: the country's rate. */
    province: text("province"),
    name: text("name").notNull(),
    /** Whole basis points, and hundredths of one: `joinedRate()`. */
    rateWhole: integer("rate").notNull(),
    rateHundredths: smallint("rate_hundredths").notNull().default(0),
  },
  (self) => [
    foreignKey({
      name: "tax_rate_class",
      columns: [self.tenantId, self.taxClassId],
      foreignColumns: [taxClassTable.tenantId, taxClassTable.id],
    }),
    unique("tax_rate_place").on(self.tenantId, self.taxClassId, self.country, self.province).nullsNotDistinct(),
    check("tax_rate_range", sql`rate between 0 and 10000`),
    check("tax_rate_hundredths", sql`rate_hundredths between 0 and 99`),
  ],
);
