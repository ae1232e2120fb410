import { createHash, randomBytes } from "node:crypto";
import { and, eq, type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { conflict, type Failure, notFound } from "../kernel/error.js";
import { bump, staleVersion } from "../kernel/version.js";
import { CartId, cartTable } from "./cart.sql.js";

/** The id and the token of a cart, and for a change the version that the caller has seen. */
export const CartKey = z.object({ id: CartId, token: z.string(), version: z.int().optional() });
export type CartKey = z.output<typeof CartKey>;

/** 192 random bits cannot be guessed, so that the row keeps a plain SHA-256 of the token. */
export const newToken = () => randomBytes(24).toString("base64url");
export const hashToken = (token: string) => createHash("sha256").update(token).digest("hex");

/** An open cart lives this long after its last change. Days. */
const LIFE = 30;
export const expiry = sql`now() + make_interval(days => ${LIFE})`;

const matchesToken = ({ id, token }: CartKey) => and(eq(cartTable.id, id), eq(cartTable.tokenHash, hashToken(token)));
/** The condition for the unexpired cart of a key; a wrong token matches no row. */
export const matchesKey = (key: CartKey) => and(matchesToken(key), sql`${cartTable.expiresAt} > now()`);

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
  createdAt: cartTable.createdAt,
  expiresAt: cartTable.expiresAt,
};
export type CartRow = Pick<typeof cartTable.$inferSelect, keyof typeof cartColumns>;

type Changes = { [Column in keyof typeof cartTable.$inferInsert]?: (typeof cartTable.$inferInsert)[Column] | SQL };

/**
 * Changes an open cart, counts its version and lengthens its life. The row stays locked until the commit, which puts
 * all that happens to one cart in order.
 * @returns undefined when it is not open, not there, or has another version
 */
export async function lockOpenCart(tx: Tx, key: CartKey, changes: Changes = {}): Promise<CartRow | undefined> {
  const seen = key.version === undefined ? undefined : eq(cartTable.version, key.version);
  const [cart] = await tx
    .update(cartTable)
    .set({ ...changes, version: bump(cartTable), expiresAt: expiry })
    .where(and(matchesKey(key), eq(cartTable.status, "open"), seen))
    .returning(cartColumns);
  return cart;
}

/** @throws Failure not_found, conflict (`cart.completed`) or stale */
export async function requireOpenCart(tx: Tx, key: CartKey, changes: Changes = {}): Promise<CartRow> {
  const cart = await lockOpenCart(tx, key, changes);
  if (!cart) throw await refusalFor(tx, key);
  return cart;
}

/** The reason why {@link lockOpenCart} found no cart. */
export async function refusalFor(tx: Tx, key: CartKey): Promise<Failure> {
  const [cart] = await tx
    .select({ status: cartTable.status, version: cartTable.version })
    .from(cartTable)
    .where(matchesKey(key));
  if (!cart) return notFound("cart");
  if (cart.status === "completed")
    return conflict("cart.completed", "The cart has become an order and can no longer be changed.");
  return staleVersion("cart", cart.version);
}
