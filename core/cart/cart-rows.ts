import { eq, type SQL, sql } from "drizzle-orm";
import type { Reader, Results } from "../../drizzle/reader.js";
import { Catalog } from "../catalog/index.js";
import { Inventory } from "../inventory/index.js";
import { Region } from "../region/index.js";
import { regionTable } from "../region/region.sql.js";
import { Shipping } from "../shipping/index.js";
import { Tax } from "../tax/index.js";
import { cartLineTable, cartTable } from "./cart.sql.js";

/**
 * The statements that load all that a cart is calculated from, each built by the domain that owns the rows. They travel
 * as one message, and their number does not grow with the lines.
 */
export function cartQueries(q: Reader, cartId: string) {
  const isThisCart = eq(cartTable.id, cartId);
  const ofCart = (column: SQL | typeof cartTable.currency | typeof cartTable.regionId) =>
    sql`(${q
      .select({ value: sql`${column}`.as("value") })
      .from(cartTable)
      .where(isThisCart)})`;
  const variantIds = q
    .select({ id: cartLineTable.variantId })
    .from(cartLineTable)
    .where(eq(cartLineTable.cartId, cartId));
  // Tax is due in the country of the address; until there is one, in the region's first country.
  const country = q
    .select({
      value: sql`coalesce(${cartTable.shippingAddress} ->> 'country', ${regionTable.countries}[1])`.as("value"),
    })
    .from(cartTable)
    .innerJoin(regionTable, eq(regionTable.id, cartTable.regionId))
    .where(isThisCart);
  return [
    q
      .select({ id: cartLineTable.id, variantId: cartLineTable.variantId, quantity: cartLineTable.quantity })
      .from(cartLineTable)
      .where(eq(cartLineTable.cartId, cartId))
      .orderBy(cartLineTable.id),
    Catalog.sellableQuery(q, sql`(${variantIds})`, ofCart(cartTable.currency)),
    Region.countriesQuery(q, ofCart(cartTable.regionId)),
    Shipping.optionQuery(q, {
      optionId: ofCart(sql`${cartTable.shippingOptionId}`),
      regionId: ofCart(cartTable.regionId),
      currency: ofCart(cartTable.currency),
    }),
    Tax.ratesQuery(q, sql`(${country})`),
    Inventory.reservedUntilQuery(q, cartId),
  ] as const;
}
type Loaded = Results<ReturnType<typeof cartQueries>>;

/** The rows of {@link cartQueries}, by name. */
export const toCartRows = ([lines, variants, [region], [shippingOption], rates, [reservation]]: Loaded) => ({
  lines,
  variants,
  countries: region?.countries ?? [],
  shippingOption,
  rates,
  reservedUntil: reservation?.until ?? null,
});
export type CartRows = ReturnType<typeof toCartRows>;
