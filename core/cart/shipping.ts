import { eq, sql } from "drizzle-orm";
import { read } from "../kernel/db.js";
import { notFound } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { Shipping } from "../shipping/index.js";
import { cartTable } from "./cart.sql.js";
import { CartKey, matchesKey } from "./key.js";

/** The options that the region and currency of a cart offer. @throws Failure not_found */
export const listShippingOptions = fn(CartKey, async (key) => {
  const [[cart], options] = await read((q) => {
    const regionId = q.select({ value: cartTable.regionId }).from(cartTable).where(eq(cartTable.id, key.id));
    const currency = q.select({ value: cartTable.currency }).from(cartTable).where(eq(cartTable.id, key.id));
    return [
      q.select({ id: cartTable.id }).from(cartTable).where(matchesKey(key)),
      Shipping.offeredQuery(q, { regionId: sql`(${regionId})`, currency: sql`(${currency})` }),
    ] as const;
  });
  if (!cart) throw notFound("cart");
  return { data: options.map(Shipping.toChoice), nextCursor: null };
});
