import { createHash, randomBytes } from "node:crypto";
import { and, eq, type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { conflict, type Failure, notFound, stale } from "../kernel/error.js";
import { CartId, cartTable } from "./cart.sql.js";
/** What opens a cart; a change names the version that it has seen. */
export const CartKey = z.object({ id: CartId, token: z.string(), version: z.int().optional() });
export type CartKey = z.output<typeof CartKey>;

/** 192 random bits: nobody finds it by trying, so that its plain SHA-256 is enough to keep. */
export const newToken = () => randomBytes(24).toString("base64url");
export const hash = (token: string) => createHash("sha256").update(token).digest("hex");

/** An open cart lives this long after its last change. Days. */
const LIFE = 30;
export const lifetime = sql`now() + make_interval(days => ${LIFE})`;

const mine = ({ id, token }: CartKey) => and(eq(cartTable.id, id), eq(cartTable.tokenHash, hash(token)));
/** The cart that this key opens; a wrong token is as good as none. */
export const opens = (key: CartKey) => and(mine(key), sql`${cartTable.expiresAt} > now()`);

export const header = {
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
export type Header = Pick<typeof cartTable.$inferSelect, keyof typeof header>;

type Changes = { [Column in keyof typeof cartTable.$inferInsert]?: (typeof cartTable.$inferInsert)[Column] | SQL };

/**
 * Changes an open cart, counts its version and lengthens its life. The row stays locked until the commit, which puts
 * all that happens to one cart in order.
 * @returns undefined when it is not open, not there, or has another version
 */
export async function take(tx: Tx, key: CartKey, changes: Changes = {}): Promise<Header | undefined> {
  const seen = key.version === undefined ? undefined : eq(cartTable.version, key.version);
  const [cart] = await tx
    .update(cartTable)
    .set({ ...changes, version: sql`${cartTable.version} + 1`, expiresAt: lifetime })
    .where(and(opens(key), eq(cartTable.status, "open"), seen))
    .returning(header);
  return cart;
}

/** @throws Failure not_found, conflict (`cart.completed`) or stale */
export async function touch(tx: Tx, key: CartKey, changes: Changes = {}): Promise<Header> {
  const cart = await take(tx, key, changes);
  if (!cart) throw await refusal(tx, key);
  return cart;
}

/** Why a cart could not be taken. */
export async function refusal(tx: Tx, key: CartKey): Promise<Failure> {
  const [cart] = await tx
    .select({ status: cartTable.status, version: cartTable.version })
    .from(cartTable)
    .where(opens(key));
  if (!cart) return notFound("cart");
  if (cart.status === "completed")
    return conflict("cart.completed", "The cart has become an order and can no longer be changed.");
  const data = { currentVersion: cart.version };
  return stale("version_stale", "The cart has changed since you read it. Get it and retry with its current version.", {
    data,
  });
}
