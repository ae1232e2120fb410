import { eq, type SQL, sql } from "drizzle-orm";
import type { Reader } from "../../drizzle/reader.js";
import { uuidToTypeId } from "../../drizzle/typeid.js";
import { availableQuantity } from "./availability.js";
import { productTable, variantTable } from "./catalog.sql.js";
import { type Price, priceOf, pricesOf } from "./price.js";

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

interface Identified {
  id: string;
}
type CommonFields = Identified & { sku: string; name: string; options: Record<string, string>; available: number };
type VariantRow = CommonFields & { productId: string; position: number; version: number; prices: Price[] };
type StoreVariantRow = CommonFields & { price: Price | null };

// Ids inside of JSON do not pass a column on their way out.
const idOf = (uuid: string) => uuidToTypeId("var", uuid);
const productIdOf = (uuid: string) => uuidToTypeId("prd", uuid);
const decode = (row: VariantRow): VariantRow => ({ ...row, id: idOf(row.id), productId: productIdOf(row.productId) });

const commonFields = (
  q: Reader,
) => sql`'id', ${variantTable.id}, 'sku', ${variantTable.sku}, 'name', ${variantTable.name},
  'options', ${variantTable.options}, 'available', ${availableQuantity(q)}`;

const variantJson = (q: Reader) => sql`json_build_object(${commonFields(q)}, 'productId', ${variantTable.productId},
  'position', ${variantTable.position}, 'version', ${variantTable.version}, 'prices', ${pricesOf(q)})`;

/** The variants of the product of the surrounding query, as one JSON value: a page of products is one statement. */
const aggregateVariants = (q: Reader, json: SQL) =>
  sql`(${q
    .select({
      json: sql`coalesce(json_agg(${json} order by ${variantTable.position}, ${variantTable.id}), '[]'::json)`,
    })
    .from(variantTable)
    .where(eq(variantTable.productId, productTable.id))})`;

/** A variant, in a query on its table. */
export const variantOf = (q: Reader) => variantJson(q).mapWith(decode);

/** Variants as the staff sees them. */
export const variantsOf = (q: Reader) =>
  aggregateVariants(q, variantJson(q)).mapWith((rows: VariantRow[]) => rows.map(decode));

/** Variants as shoppers see them, priced in one currency. */
export const storeVariantsOf = (q: Reader, currency: SQL) =>
  aggregateVariants(q, sql`json_build_object(${commonFields(q)}, 'price', ${priceOf(q, currency)})`).mapWith(
    (rows: StoreVariantRow[]) => rows.map((row) => ({ ...row, id: idOf(row.id) })),
  );
