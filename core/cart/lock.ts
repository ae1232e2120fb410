import { and, eq, exists, type SQL, sql } from "drizzle-orm";
import { asRow, param, prepared } from "../../drizzle/prepared.js";
import type { Reader, Unexecuted } from "../../drizzle/reader.js";
import type { Tx } from "../../drizzle/tenant.js";
import { read } from "../kernel/db.js";
import { conflict, type Failure, notFound } from "../kernel/error.js";
import { bump, staleVersion } from "../kernel/version.js";
import { cartTable } from "./cart.sql.js";
import { type CartRows, cartQueries, toCartRows } from "./cart-rows.js";
import {
  type CartKey,
  type CartRow,
  cartColumns,
  type HashedKey,
  hashKey,
  laterExpiry,
  matchesHash,
  matchesKey,
} from "./key.js";

type Changes = { [Column in keyof typeof cartTable.$inferInsert]?: (typeof cartTable.$inferInsert)[Column] | SQL };

/**
 * The statement that changes an open cart, counts its version and lengthens its life. The row stays locked until the
 * commit, which puts all that happens to one cart in order. It answers no row when the cart is not open, not there, or
 * has another version.
 */
const lockQuery = prepared((q, { key, changes }: { key: HashedKey; changes: Changes }) =>
  q
    .with()
    .update(cartTable)
    .set({ ...changes, version: bump(cartTable), expiresAt: laterExpiry })
    .where(and(matchesHash(key), eq(cartTable.status, "open"), seenVersion(key, 0)))
    .returning(cartColumns),
);

const seenVersion = ({ version }: HashedKey, later: 0 | 1) =>
  version === undefined
    ? undefined
    : sql`${cartTable.version} = ${param(version, cartTable.version)}::int + ${later}::int`;

/** Whether the statement before, in the same message, has locked the cart: a condition of the changes that follow it. */
export const isLocked = (q: Reader, key: HashedKey): SQL =>
  exists(
    q
      .select({ id: cartTable.id })
      .from(cartTable)
      .where(and(matchesHash(key), eq(cartTable.status, "open"), seenVersion(key, 1))),
  );

/** The statement that changes lines of the cart, with {@link isLocked} in its condition; it answers their variants. */
type LineChange = (q: Reader) => Unexecuted<{ variantId: string }[]>;

interface LockedCart {
  cart: CartRow;
  /** The variants of the lines that were changed. */
  changed: readonly { variantId: string }[];
  rows: CartRows;
}

/**
 * Locks an open cart, changes its lines, and reads all that it is calculated from, as one message: each statement has a
 * snapshot of its own, so that it sees what was committed while the first one waited for the lock.
 * @returns undefined when it is not open, not there, or has another version
 */
export async function lockOpenCart(
  key: CartKey,
  changes: Changes = {},
  change?: LineChange,
): Promise<LockedCart | undefined> {
  const lock = (q: Reader) => lockQuery(q, { key: asRow(hashKey(key)), changes: asRow(changes) });
  if (!change) {
    const [[cart], ...loaded] = await read((q) => [lock(q), ...cartQueries(q, key.id)] as const);
    return cart && { cart, changed: [], rows: toCartRows(loaded) };
  }
  const [[cart], changed, ...loaded] = await read((q) => [lock(q), change(q), ...cartQueries(q, key.id)] as const);
  return cart && { cart, changed, rows: toCartRows(loaded) };
}

/** @throws Failure not_found, conflict (`cart.completed`) or stale */
export async function requireOpenCart(tx: Tx, ...lock: Parameters<typeof lockOpenCart>): Promise<LockedCart> {
  const locked = await lockOpenCart(...lock);
  if (!locked) throw await refusalFor(tx, lock[0]);
  return locked;
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
