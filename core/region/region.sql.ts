import { boolean, char, text } from "drizzle-orm/pg-core";
import { typeId, version } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";

/** Where a tenant sells: a currency and the countries that are delivered to. */
export const regionTable = tenantTable("region", {
  id: typeId("rgn")("id").notNull(),
  name: text("name").notNull(),
  currency: char("currency", { length: 3 }).notNull(),
  /** ISO 3166-1 alpha-2. */
  countries: text("countries").array().notNull(),
  isDefault: boolean("is_default").notNull().default(false),
  version: version(),
});
