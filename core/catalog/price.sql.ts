import { sql } from "drizzle-orm";
import { boolean, char, check, foreignKey, primaryKey } from "drizzle-orm/pg-core";
import { minorUnits } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";
import { VariantId, variantTable } from "./catalog.sql.js";

/** The base price of a variant in one currency. */
export const priceTable = tenantTable(
  "price",
  {
    variantId: VariantId.column("variant_id").notNull(),
    currency: char("currency", { length: 3 }).notNull(),
    amount: minorUnits("amount").notNull(),
    /** Struck-through price, when there is one. */
    compareAt: minorUnits("compare_at"),
    taxInclusive: boolean("tax_inclusive").notNull().default(true),
  },
  (self) => [
    primaryKey({ name: "price_pk", columns: [self.tenantId, self.variantId, self.currency] }),
    foreignKey({
      name: "price_variant",
      columns: [self.tenantId, self.variantId],
      foreignColumns: [variantTable.tenantId, variantTable.id],
    }),
    check(
      "price_amount",
      sql`amount between 0 and 99999999999 and (compare_at is null or compare_at between 0 and 99999999999)`,
    ),
  ],
);
