import { and, eq, type Param, type SQL } from "drizzle-orm";
import type { Reader } from "../../drizzle/reader.js";
import { cartLineTable } from "../cart/cart.sql.js";
import { availableQuantity } from "./availability.js";
import { productTable, variantTable } from "./catalog.sql.js";
import { priceTable } from "./price.sql.js";

/**
 * The statement that reads the lines of a cart with the data for a sale of their variants: the product, and the price in
 * one currency, which is null when there is none, and the units that this cart can have. Price lists replace the price
 * here.
 * @param holder the cart as the holder of reservations
 */
export const sellableQuery = (q: Reader, cartId: string | Param, currency: SQL, holder: Param) =>
  q
    .select({
      line: { id: cartLineTable.id, variantId: cartLineTable.variantId, quantity: cartLineTable.quantity },
      variant: { id: variantTable.id, sku: variantTable.sku, name: variantTable.name, options: variantTable.options },
      product: {
        id: productTable.id,
        name: productTable.name,
        status: productTable.status,
        taxClassId: productTable.taxClassId,
      },
      price: { amount: priceTable.amount, taxInclusive: priceTable.taxInclusive },
      available: availableQuantity(q, holder),
    })
    .from(cartLineTable)
    .innerJoin(variantTable, eq(variantTable.id, cartLineTable.variantId))
    .innerJoin(productTable, eq(productTable.id, variantTable.productId))
    .leftJoin(priceTable, and(eq(priceTable.variantId, cartLineTable.variantId), eq(priceTable.currency, currency)))
    .where(eq(cartLineTable.cartId, cartId))
    .orderBy(cartLineTable.id);
type Row = Awaited<ReturnType<typeof sellableQuery>>[number];

export type Sellable = Row["variant"] & Pick<Row, "product" | "price" | "available">;
