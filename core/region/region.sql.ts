import { boolean, char, text } from "drizzle-orm/pg-core";
import { version } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";
import { id } from "../kernel/id.js";

export const RegionId = id("rgn");

/** A region where a tenant sells: a currency and the countries of delivery. */
export const regionTable = tenantTable("region", {
  id: RegionId.column("id").notNull(),
  name: text("name").notNull(),
  currency: char("currency", { length: 3 }).notNull(),
  /** ISO 3166-1 alpha-2. */
  countries: text("countries").array().notNull(),
  isDefault: boolean("is_default").notNull().default(false),
  version: version(),
});
