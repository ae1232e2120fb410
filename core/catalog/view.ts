import { eq, type SQL, sql } from "drizzle-orm";
import type { Reader } from "../../drizzle/reader.js";
import { uuidToTypeId } from "../../drizzle/typeid.js";
import { availableQuantity } from "./available.js";
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
type Common = Identified & { sku: string; name: string; options: Record<string, string>; available: number };
type Row = Common & { productId: string; position: number; version: number; prices: Price[] };
type StoreRow = Common & { price: Price | null };

// Ids inside of JSON do not pass a column on their way out.
const idOf = (uuid: string) => uuidToTypeId("var", uuid);
const productIdOf = (uuid: string) => uuidToTypeId("prd", uuid);
const decode = (row: Row): Row => ({ ...row, id: idOf(row.id), productId: productIdOf(row.productId) });

const common = (q: Reader) => sql`'id', ${variantTable.id}, 'sku', ${variantTable.sku}, 'name', ${variantTable.name},
  'options', ${variantTable.options}, 'available', ${availableQuantity(q)}`;

const full = (q: Reader) => sql`json_build_object(${common(q)}, 'productId', ${variantTable.productId},
  'position', ${variantTable.position}, 'version', ${variantTable.version}, 'prices', ${pricesOf(q)})`;

/** The variants of the product of the surrounding query, as one JSON value: a page of products is one statement. */
const each = (q: Reader, json: SQL) =>
  sql`(${q
    .select({
      json: sql`coalesce(json_agg(${json} order by ${variantTable.position}, ${variantTable.id}), '[]'::json)`,
    })
    .from(variantTable)
    .where(eq(variantTable.productId, productTable.id))})`;

/** A variant, in a query on its table. */
export const variantOf = (q: Reader) => full(q).mapWith(decode);

/** Variants as the staff sees them. */
export const variantsOf = (q: Reader) => each(q, full(q)).mapWith((rows: Row[]) => rows.map(decode));

/** Variants as shoppers see them, priced in one currency. */
export const storeVariantsOf = (q: Reader, currency: SQL) =>
  each(q, sql`json_build_object(${common(q)}, 'price', ${priceOf(q, currency)})`).mapWith((rows: StoreRow[]) =>
    rows.map((row) => ({ ...row, id: idOf(row.id) })),
  );
