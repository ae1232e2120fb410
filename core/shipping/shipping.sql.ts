import { sql } from "drizzle-orm";
import { boolean, char, check, foreignKey, integer, text } from "drizzle-orm/pg-core";
import { minorUnits, typeId, version } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";
import type { Currency } from "../kernel/money.js";
import { regionTable } from "../region/region.sql.js";
import { taxClassTable } from "../tax/tax.sql.js";

/** A way to deliver to a region at a flat rate. */
export const shippingOptionTable = tenantTable(
  "shipping_option",
  {
    id: typeId("shp")("id").notNull(),
    regionId: typeId("rgn")("region_id").notNull(),
    name: text("name").notNull(),
    amount: minorUnits("amount").notNull(),
    currency: char("currency", { length: 3 }).notNull().$type<Currency>(),
    taxInclusive: boolean("tax_inclusive").notNull().default(true),
    taxClassId: typeId("txc")("tax_class_id").notNull(),
    position: integer("position").notNull().default(0),
    version: version(),
  },
  (self) => [
    foreignKey({
      name: "shipping_option_region",
      columns: [self.tenantId, self.regionId],
      foreignColumns: [regionTable.tenantId, regionTable.id],
    }),
    foreignKey({
      name: "shipping_option_tax_class",
      columns: [self.tenantId, self.taxClassId],
      foreignColumns: [taxClassTable.tenantId, taxClassTable.id],
    }),
    check("shipping_option_amount", sql`amount between 0 and 99999999999`),
  ],
);
