import { and, eq, gt, min, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import type { Reader } from "../../drizzle/reader.js";
import { productTable, variantTable } from "../catalog/catalog.sql.js";
import { priceTable } from "../catalog/price.sql.js";
import { reservationTable } from "../inventory/inventory.sql.js";
import { regionTable } from "../region/region.sql.js";
import { shippingOptionTable } from "../shipping/shipping.sql.js";
import { taxClassTable, taxRateTable } from "../tax/tax.sql.js";
import { cartLineTable, cartTable } from "./cart.sql.js";

const shippingRate = alias(taxRateTable, "shipping_rate");

/** Where tax is due: the country of the address, until there is one the region's first. */
const country = sql`coalesce(${cartTable.shippingAddress} ->> 'country', ${regionTable.countries}[1])`;

const product = {
  id: productTable.id,
  name: productTable.name,
  status: productTable.status,
};
const variant = { sku: variantTable.sku, name: variantTable.name, options: variantTable.options };
const shipping = {
  id: shippingOptionTable.id,
  name: shippingOptionTable.name,
  amount: shippingOptionTable.amount,
  taxInclusive: shippingOptionTable.taxInclusive,
};

/**
 * All that a cart's view and its checkout need, in one statement whatever the number of lines: a row for each line
 * with the prices and rates of this moment, one row without a line when the cart is empty.
 */
export function contents(q: Reader, cartId: string) {
  const defaultClass = q
    .select({ id: taxClassTable.id })
    .from(taxClassTable)
    .where(eq(taxClassTable.isDefault, true))
    .orderBy(taxClassTable.id)
    .limit(1);
  const heldUntil = q
    .select({ at: min(reservationTable.expiresAt) })
    .from(reservationTable)
    .where(and(eq(reservationTable.holder, cartId), gt(reservationTable.expiresAt, sql`now()`)));
  return q
    .select({
      countries: regionTable.countries,
      heldUntil: sql<string | null>`(${heldUntil})`.mapWith(reservationTable.expiresAt),
      shipping,
      shippingRate: shippingRate.rate,
      line: { id: cartLineTable.id, variantId: cartLineTable.variantId, quantity: cartLineTable.quantity },
      variant,
      product,
      price: { amount: priceTable.amount, taxInclusive: priceTable.taxInclusive },
      rate: taxRateTable.rate,
    })
    .from(cartTable)
    .innerJoin(regionTable, eq(regionTable.id, cartTable.regionId))
    .leftJoin(
      shippingOptionTable,
      and(
        eq(shippingOptionTable.id, cartTable.shippingOptionId),
        eq(shippingOptionTable.regionId, cartTable.regionId),
        eq(shippingOptionTable.currency, cartTable.currency),
      ),
    )
    .leftJoin(
      shippingRate,
      and(eq(shippingRate.taxClassId, shippingOptionTable.taxClassId), eq(shippingRate.country, country)),
    )
    .leftJoin(cartLineTable, eq(cartLineTable.cartId, cartTable.id))
    .leftJoin(variantTable, eq(variantTable.id, cartLineTable.variantId))
    .leftJoin(productTable, eq(productTable.id, variantTable.productId))
    .leftJoin(
      priceTable,
      and(eq(priceTable.variantId, cartLineTable.variantId), eq(priceTable.currency, cartTable.currency)),
    )
    .leftJoin(
      taxRateTable,
      and(
        eq(taxRateTable.taxClassId, sql`coalesce(${productTable.taxClassId}, (${defaultClass}))`),
        eq(taxRateTable.country, country),
      ),
    )
    .where(eq(cartTable.id, cartId))
    .orderBy(cartLineTable.id);
}
export type Contents = Awaited<ReturnType<typeof contents>>;
