import { sql } from "drizzle-orm";
import { boolean, char, check, foreignKey, index, integer, text } from "drizzle-orm/pg-core";
import { minorUnits, version } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";
import { id } from "../kernel/id.js";
import type { Currency } from "../kernel/money.js";
import { RegionId, regionTable } from "../region/region.sql.js";
import { TaxClassId, taxClassTable } from "../tax/tax.sql.js";

export const ShippingOptionId = id("shp");

/** A way to deliver to a region at a flat rate. */
export const shippingOptionTable = tenantTable(
  "shipping_option",
  {
    id: ShippingOptionId.column("id").notNull(),
    regionId: RegionId.column("region_id").notNull(),
    name: text("name").notNull(),
    amount: minorUnits("amount").notNull(),
    currency: char("currency", { length: 3 }).notNull().$type<Currency>(),
    taxInclusive: boolean("tax_inclusive").notNull().default(true),
    taxClassId: TaxClassId.column("tax_class_id").notNull(),
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
    index("shipping_option_region_id").on(self.tenantId, self.regionId, self.id),
    check("shipping_option_amount", sql`amount between 0 and 99999999999`),
  ],
);
