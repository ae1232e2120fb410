import { createHash, randomBytes } from "node:crypto";
import { and, eq, sql } from "drizzle-orm";
import * as z from "zod";
import { param } from "../../drizzle/prepared.js";
import { CartId, cartTable } from "./cart.sql.js";

/** The id and the token of a cart, and for a change the version that the caller has seen. */
export const CartKey = z.object({ id: CartId, token: z.string(), version: z.int().optional() });
export type CartKey = z.output<typeof CartKey>;

/** 192 random bits cannot be guessed, so that the row keeps a plain SHA-256 of the token. */
export const newToken = () => randomBytes(24).toString("base64url");
export const hashToken = (token: string) => createHash("sha256").update(token).digest("hex");

/** An open cart lives this long after its last change, and no longer than this after its first. Days. */
const LIFE = 30;
export const WHOLE_LIFE = 90;
const days = (count: number) => sql`make_interval(days => ${sql.raw(String(count))})`;
export const expiry = sql`now() + ${days(LIFE)}`;
/** The expiry of a cart that is changed. */
export const laterExpiry = sql`least(${expiry}, ${cartTable.createdAt} + ${days(WHOLE_LIFE)})`;

/** What the row of a cart is compared with. */
export interface HashedKey {
  id: string;
  tokenHash: string;
  version?: number | undefined;
}
export const hashKey = ({ id, token, version }: CartKey): HashedKey => ({ id, tokenHash: hashToken(token), version });

/** The condition for the unexpired cart of a key; a wrong token matches no row. */
export const matchesHash = ({ id, tokenHash }: HashedKey) =>
  and(
    eq(cartTable.id, param(id, cartTable.id)),
    eq(cartTable.tokenHash, param(tokenHash, cartTable.tokenHash)),
    sql`${cartTable.expiresAt} > now()`,
  );
export const matchesKey = ({ id, token }: CartKey) => matchesHash({ id, tokenHash: hashToken(token) });

export const cartColumns = {
  id: cartTable.id,
  status: cartTable.status,
  version: cartTable.version,
  regionId: cartTable.regionId,
  channelId: cartTable.channelId,
  currency: cartTable.currency,
  email: cartTable.email,
  shippingAddress: cartTable.shippingAddress,
  billingAddress: cartTable.billingAddress,
  shippingOptionId: cartTable.shippingOptionId,
  tokenHash: cartTable.tokenHash,
  quote: cartTable.quote,
  heldSince: cartTable.heldSince,
  createdAt: cartTable.createdAt,
  expiresAt: cartTable.expiresAt,
};
export type CartRow = Pick<typeof cartTable.$inferSelect, keyof typeof cartColumns>;
