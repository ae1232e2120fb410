import { eq, sql } from "drizzle-orm";
import type { Reader } from "../../drizzle/reader.js";
import { uuidToTypeId } from "../../drizzle/typeid.js";
import { availableQuantity } from "./availability.js";
import { productTable, variantTable } from "./catalog.sql.js";
import { type Price, pricesOf } from "./price.js";

/** Columns of a product. */
export const view = {
  id: productTable.id,
  slug: productTable.slug,
  name: productTable.name,
  description: productTable.description,
  status: productTable.status,
  taxClassId: productTable.taxClassId,
  options: productTable.options,
  version: productTable.version,
  createdAt: productTable.createdAt,
  updatedAt: productTable.updatedAt,
};

interface VariantRow {
  id: string;
  productId: string;
  sku: string;
  name: string;
  options: Record<string, string>;
  available: number;
  position: number;
  version: number;
  prices: Price[];
}

/** Ids inside of JSON do not pass a column on their way out. */
const decode = (row: VariantRow): VariantRow => ({
  ...row,
  id: uuidToTypeId("var", row.id),
  productId: uuidToTypeId("prd", row.productId),
});

const variantJson = (q: Reader) => sql`json_build_object('id', ${variantTable.id}, 'sku', ${variantTable.sku},
  'name', ${variantTable.name}, 'options', ${variantTable.options}, 'available', ${availableQuantity(q)},
  'productId', ${variantTable.productId}, 'position', ${variantTable.position}, 'version', ${variantTable.version},
  'prices', ${pricesOf(q)})`;

/** A variant, in a query on its table. */
export const variantOf = (q: Reader) => variantJson(q).mapWith(decode);

/** The variants of the product of the surrounding query, as one JSON value: a page of products is one statement. */
export const variantsOf = (q: Reader) =>
  sql`(${q
    .select({
      json: sql`coalesce(json_agg(${variantJson(q)} order by ${variantTable.position}, ${variantTable.id}), '[]'::json)`,
    })
    .from(variantTable)
    .where(eq(variantTable.productId, productTable.id))})`.mapWith((rows: VariantRow[]) => rows.map(decode));
