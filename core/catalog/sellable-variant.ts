import { and, eq, type SQL, sql } from "drizzle-orm";
import type { Reader } from "../../drizzle/reader.js";
import { productTable, variantTable } from "./catalog.sql.js";
import { priceTable } from "./price.sql.js";

/**
 * The statement that reads the data for a sale of some variants: their product, and their price in one currency, which
 * is null when they have none. Price lists replace the price here.
 * @param variantIds a subquery
 */
export const sellableQuery = (q: Reader, variantIds: SQL, currency: SQL) =>
  q
    .select({
      id: variantTable.id,
      sku: variantTable.sku,
      name: variantTable.name,
      options: variantTable.options,
      product: {
        id: productTable.id,
        name: productTable.name,
        status: productTable.status,
        taxClassId: productTable.taxClassId,
      },
      price: { amount: priceTable.amount, taxInclusive: priceTable.taxInclusive },
    })
    .from(variantTable)
    .innerJoin(productTable, eq(productTable.id, variantTable.productId))
    .leftJoin(priceTable, and(eq(priceTable.variantId, variantTable.id), eq(priceTable.currency, currency)))
    .where(sql`${variantTable.id} in ${variantIds}`);

export type Sellable = Awaited<ReturnType<typeof sellableQuery>>[number];
