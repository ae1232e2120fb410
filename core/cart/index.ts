export * as Cart from "./index.js";

import { and, eq, lt, sql } from "drizzle-orm";
import * as z from "zod";
import { faultOf } from "../../drizzle/fault.js";
import { asRow, param, prepared } from "../../drizzle/prepared.js";
import { channelTable } from "../channel/channel.sql.js";
import { NewAddress } from "../kernel/address.js";
import { db, read } from "../kernel/db.js";
import { Email } from "../kernel/email.js";
import { invalidField, notFound } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { Currency } from "../kernel/money.js";
import { orderTable } from "../order/order.sql.js";
import { paymentSettingTable, unpaidLimits } from "../payment/payment-method.sql.js";
import { strangerKey } from "../rate/index.js";
import { RegionId, regionTable } from "../region/region.sql.js";
import { ShippingOptionId } from "../shipping/shipping.sql.js";
import { calculateCart } from "./calculation.js";
import { CartId, cartTable } from "./cart.sql.js";
import { cartQueries, toCartRows } from "./cart-rows.js";
import { CartKey, cartColumns, expiry, type HashedKey, hashKey, hashToken, matchesHash, newToken } from "./key.js";
import { admit, countOpenCarts, deleteCarts } from "./limit.js";
import { insertQuery, NewLines, recalculate, toLineFailure } from "./line.js";
import { requireOpenCart } from "./lock.js";
import { show } from "./quote.js";
import { CartRecord, view } from "./view.js";

export { calculateCart } from "./calculation.js";
export { CartId, LineId } from "./cart.sql.js";
export { copy } from "./copy.js";
export { HOLDS_MINUTES, releaseStock, reserveStock } from "./hold.js";
export { CartKey, type CartRow, hashToken } from "./key.js";
export { addLine, NewLine, Quantity, removeLine, setLine } from "./line.js";
export { lockOpenCart, refusalFor } from "./lock.js";
export { type PaymentGate, paymentGates } from "./payment-gate.js";
export {
  type Line,
  lineView,
  moneyOf,
  PricedLine,
  PricedShipping,
  PricedTotals,
  type Shipping,
  shippingView,
  totalsView,
} from "./price-view.js";
export { changesSince, quoteData, rememberQuote } from "./quote.js";
export { decidedLater } from "./requirement.js";
export { listShippingOptions } from "./shipping.js";
export { CartRecord, tagOf, view } from "./view.js";

export const NewCart = z.strictObject({
  regionId: RegionId.optional().meta({ description: "Default: the tenant's default region" }),
  channel: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .meta({ description: "The slug of a channel. Default: the default channel" }),
  currency: Currency.optional().meta({ description: "Default: the region's currency" }),
  email: Email.optional().describe("Of the shopper, for the confirmation"),
  lines: NewLines.default([]).describe("The lines of the new cart"),
});

export const CartChange = z.strictObject({
  email: Email.nullable().optional().describe("Of the shopper, for the confirmation"),
  shippingAddress: NewAddress.nullable().optional(),
  billingAddress: NewAddress.nullable().optional(),
  shippingOptionId: ShippingOptionId.nullable()
    .optional()
    .describe("One of `GET /v1/store/carts/{id}/shipping-options`"),
  regionId: RegionId.optional().meta({
    description: "Also sets the region's currency and removes the shipping option",
  }),
  currency: Currency.optional(),
});

export const NewCartRecord = CartRecord.extend({
  token: z
    .string()
    .meta({ description: "The secret of this cart and its order, for `x-cart-token`. Only returned here" }),
}).meta({ id: "OpenedCart" });

interface Place {
  regionId?: string | undefined;
  channel?: string | undefined;
  /** Undefined for a server, behind which are many shoppers. */
  addressKey?: string | undefined;
}

/** The region and the channel of a new cart, and how many its client has. */
const placeQuery = prepared((q, { regionId, channel, addressKey }: Place) =>
  q
    .select({
      regionId: regionTable.id,
      currency: regionTable.currency,
      channelId: channelTable.id,
      setting: { limits: paymentSettingTable.limits },
      openCarts: addressKey ? sql<[number, number]>`(${countOpenCarts(q, addressKey)})` : sql<null>`null`,
    })
    .from(regionTable)
    .leftJoin(paymentSettingTable, sql`true`)
    .leftJoin(
      channelTable,
      channel ? eq(channelTable.slug, param(channel, channelTable.slug)) : eq(channelTable.isDefault, true),
    )
    .where(regionId ? eq(regionTable.id, param(regionId, regionTable.id)) : eq(regionTable.isDefault, true))
    .orderBy(regionTable.id, channelTable.id)
    .limit(1),
);

const insertCart = prepared((q, { row }: { row: Omit<typeof cartTable.$inferInsert, "expiresAt"> }) =>
  q
    .insert(cartTable)
    .values({ ...row, expiresAt: expiry as never })
    .returning(cartColumns),
);

/** Makes a cart. Its token is in this answer only: the row keeps a hash. */
export const create = fn(NewCart, ({ regionId, channel, currency, email, lines }) =>
  db(async (tx) => {
    const addressKey = strangerKey();
    const [place] = await read((q) => placeQuery(q, { regionId, channel, addressKey: addressKey ?? undefined }));
    if (!place) throw invalidField("/regionId", "is not a region of this shop");
    if (!place.channelId) throw invalidField("/channel", "is not a channel of this shop");
    if (addressKey && place.openCarts) await admit(tx, addressKey, place.openCarts, unpaidLimits(place.setting));
    const token = newToken();
    const cartId = CartId.create();
    const row = {
      id: cartId,
      tokenHash: hashToken(token),
      addressKey,
      regionId: place.regionId,
      channelId: place.channelId,
      currency: currency ?? Currency.parse(place.currency),
      email: email ?? null,
    };
    const [[cart], , ...rows] = await read(
      (q) => [insertCart(q, { row: asRow(row) }), insertQuery(q, cartId, lines), ...cartQueries(q, cartId)] as const,
    ).catch(toLineFailure("/lines"));
    if (!cart) throw new Error("An insert without a conflict clause answers its row.");
    const made = recalculate(tx, cart, toCartRows(rows), lines, (field, index) => `/lines/${index}/${field}`);
    return { ...show(tx, made), token };
  }),
);

/** The cart with the order that it has become, of which a cart has one at most. */
const cartQuery = prepared((q, { key }: { key: HashedKey }) =>
  q
    .select({ cart: cartColumns, order: { id: orderTable.id, number: orderTable.number } })
    .from(cartTable)
    .leftJoin(orderTable, eq(orderTable.cartId, cartTable.id))
    .where(matchesHash(key)),
);

export const get = fn(CartKey, async (key) => {
  const [[found], ...rows] = await read(
    (q) => [cartQuery(q, { key: asRow(hashKey(key)) }), ...cartQueries(q, key.id)] as const,
  );
  if (!found) throw notFound("cart");
  return view(calculateCart(found.cart, toCartRows(rows)), found.order);
});

export const update = fn(z.object({ cart: CartKey, change: CartChange }), ({ cart: key, change }) =>
  db(async (tx) => {
    const { regionId, currency } = change;
    const itsCurrency = tx
      .select({ currency: regionTable.currency })
      .from(regionTable)
      .where(eq(regionTable.id, regionId ?? ""));
    const moved = regionId && { shippingOptionId: null, currency: currency ?? sql`(${itsCurrency})` };
    const { cart, rows } = await requireOpenCart(tx, key, { ...moved, ...change }).catch((error: unknown) => {
      const { code, constraint } = faultOf(error) ?? {};
      if (constraint === "cart_shipping_option") throw notOffered();
      // The subquery for the currency of an unknown region answers null: SQLSTATE 23502, not-null violation.
      if (constraint === "cart_region" || code === "23502")
        throw invalidField("/regionId", "is not a region of this shop");
      throw error;
    });
    const made = calculateCart(cart, rows);
    if (change.shippingOptionId && !made.shipping) throw notOffered();
    return show(tx, made);
  }),
);

const notOffered = () => invalidField("/shippingOptionId", "is not offered in the region and currency of this cart");

/** Deletes expired open carts. @returns how many */
export const deleteExpired = (limit = 200): Promise<number> =>
  db(async (tx) => {
    const expired = await tx
      .select({ id: cartTable.id })
      .from(cartTable)
      .where(and(lt(cartTable.expiresAt, sql`now()`), eq(cartTable.status, "open")))
      .orderBy(cartTable.expiresAt)
      .limit(limit)
      .for("update", { skipLocked: true });
    if (expired.length > 0) await deleteCarts(tx, expired);
    return expired.length;
  });
