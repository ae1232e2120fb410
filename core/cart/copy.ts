import { asc, eq } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { read } from "../kernel/db.js";
import { calculateCart } from "./calculation.js";
import { cartLineTable, cartTable } from "./cart.sql.js";
import { cartQueries, toCartRows } from "./cart-rows.js";
import { cartColumns, expiry } from "./key.js";
import { insertQuery } from "./line.js";
import { show } from "./quote.js";
import { view } from "./view.js";

/**
 * Opens a copy of a completed cart, for a shopper who goes on with it; the copy has the same token. The caller holds a
 * lock that puts the calls for one cart in order, so that a second one finds the first one's copy.
 * @param to the id of the copy
 * @returns null when the cart is not there any more
 */
export async function copy(tx: Tx, { from, to }: { from: string; to: string }) {
  const [[made], [source], lines, ...known] = await read(
    (q) =>
      [
        q.select(cartColumns).from(cartTable).where(eq(cartTable.id, to)),
        q
          .select({ ...cartColumns, addressKey: cartTable.addressKey })
          .from(cartTable)
          .where(eq(cartTable.id, from)),
        q
          .select({ variantId: cartLineTable.variantId, quantity: cartLineTable.quantity })
          .from(cartLineTable)
          .where(eq(cartLineTable.cartId, from))
          .orderBy(asc(cartLineTable.id)),
        ...cartQueries(q, to),
      ] as const,
  );
  if (made) return view(calculateCart(made, toCartRows(known)));
  if (!source) return null;
  const {
    tokenHash,
    addressKey,
    regionId,
    channelId,
    currency,
    email,
    shippingAddress,
    billingAddress,
    shippingOptionId,
  } = source;
  const place = { regionId, channelId, currency, email, shippingAddress, billingAddress, shippingOptionId };
  const [[cart], , ...rows] = await read(
    (q) =>
      [
        q
          .insert(cartTable)
          .values({ id: to, tokenHash, addressKey, ...place, expiresAt: expiry as never })
          .returning(cartColumns),
        insertQuery(q, to, lines),
        ...cartQueries(q, to),
      ] as const,
  );
  if (!cart) throw new Error("An insert without a conflict clause answers its row.");
  return show(tx, calculateCart(cart, toCartRows(rows)));
}
