import { sql } from "drizzle-orm";
import { check, foreignKey, index, integer, jsonb, text, unique } from "drizzle-orm/pg-core";
import { version } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";
import { id } from "../kernel/id.js";
import { TaxClassId, taxClassTable } from "../tax/tax.sql.js";

export const ProductId = id("prd");
export const VariantId = id("var");

export const productStatuses = ["draft", "active", "archived"] as const;

export const productTable = tenantTable(
  "product",
  {
    id: ProductId.column("id").notNull(),
    slug: text("slug").notNull(),
    name: text("name").notNull(),
    description: text("description").notNull().default(""),
    status: text("status", { enum: productStatuses }).notNull().default("draft"),
    /** Null: the tenant's default class. */
    taxClassId: TaxClassId.column("tax_class_id"),
    /** In order: `[{ name: "Size", values: ["S", "M"] }]`. */
    options: jsonb("options").notNull().default([]).$type<{ name: string; values: string[] }[]>(),
    version: version(),
  },
  (self) => [
    unique("product_slug").on(self.tenantId, self.slug),
    foreignKey({
      name: "product_tax_class",
      columns: [self.tenantId, self.taxClassId],
      foreignColumns: [taxClassTable.tenantId, taxClassTable.id],
    }),
    index("product_status").on(self.tenantId, self.status, self.id),
    check("product_status_known", sql`status in ('draft', 'active', 'archived')`),
  ],
);

/** A variant is the unit of sale: one combination of a product's option values. */
export const variantTable = tenantTable(
  "variant",
  {
    id: VariantId.column("id").notNull(),
    productId: ProductId.column("product_id").notNull(),
    sku: text("sku").notNull(),
    name: text("name").notNull(),
    /** One value for each option of the product: `{ "Size": "M" }`. */
    options: jsonb("options").notNull().default({}).$type<Record<string, string>>(),
    position: integer("position").notNull().default(0),
    version: version(),
  },
  (self) => [
    foreignKey({
      name: "variant_product",
      columns: [self.tenantId, self.productId],
      foreignColumns: [productTable.tenantId, productTable.id],
    }),
    unique("variant_sku").on(self.tenantId, self.sku),
    unique("variant_options").on(self.tenantId, self.productId, self.options),
  ],
);
