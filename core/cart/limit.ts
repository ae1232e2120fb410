import { and, asc, desc, eq, gt, lt, sql } from "drizzle-orm";
import { param } from "../../drizzle/prepared.js";
import type { Reader } from "../../drizzle/reader.js";
import type { Tx } from "../../drizzle/tenant.js";
import { Failure } from "../kernel/error.js";
import { anyOf } from "../kernel/rows.js";
import type { UnpaidLimits } from "../payment/payment-method.sql.js";
import { cartLineTable, cartTable } from "./cart.sql.js";

/**
 * The open carts of unknown clients are counted by groups of clients, those whose keys have the same first two digits:
 * a count of all of them would take longer than the cart, and a counter would let no two carts be made at once.
 */
const GROUPS = 256;
const ofGroup = (addressKey: unknown) => {
  const prefix = sql`left(${addressKey}, 2)`;
  // The digits of a key are hexadecimal, so that `g` comes after each of them.
  return and(sql`${cartTable.addressKey} >= ${prefix}`, sql`${cartTable.addressKey} < ${prefix} || 'g'`);
};

/** Hours without a change after which a cart gives way to a new one, where there is no other room. */
const ABANDONED = 1;
const isAbandoned = and(
  eq(cartTable.status, "open"),
  lt(cartTable.updatedAt, sql`now() - make_interval(hours => ${sql.raw(String(ABANDONED))})`),
);

/** The open carts that a client made within a day, and all of its group, as one value of one scan. */
export const countOpenCarts = (q: Reader, addressKey: string) => {
  const key = param(addressKey, cartTable.addressKey);
  const isOwn = and(eq(cartTable.addressKey, key), gt(cartTable.createdAt, sql`now() - interval '1 day'`));
  return q
    .select({ counts: sql`array[count(*) filter (where ${isOwn}), count(*)]::int[]` })
    .from(cartTable)
    .where(and(ofGroup(key), eq(cartTable.status, "open")));
};

/** The carts that a group of clients may have: its share of the shop's, and not fewer than one of them may have in a day. */
export const groupLimit = ({ cartsPerAddress, cartsPerTenant }: Required<UnpaidLimits>) =>
  Math.max(Math.ceil(cartsPerTenant / GROUPS), cartsPerAddress);

/** Carts that one new cart takes the place of, at most: several that came at once have left too many. */
const MOST = 50;

/**
 * Lets an unknown client open a cart. Beyond the limit of the shop, abandoned carts are deleted first, those of the client
 * that has most of them before others: a client that opens many carts does not use up the limit of the rest.
 * @throws Failure limited `cart.open_limit`
 */
export async function admit(
  tx: Tx,
  addressKey: string,
  [own, group]: readonly [number, number],
  limits: Required<UnpaidLimits>,
): Promise<void> {
  if (own >= limits.cartsPerAddress) throw tooMany("cartsPerAddress", "from this address");
  const excess = group - groupLimit(limits) + 1;
  if (excess <= 0) return;
  const abandoned = tx
    .select({ id: cartTable.id })
    .from(cartTable)
    .where(and(ofGroup(addressKey), isAbandoned))
    .orderBy(desc(sql`count(*) over (partition by ${cartTable.addressKey})`), asc(cartTable.expiresAt))
    .limit(Math.min(excess, MOST));
  const gone = await tx
    .select({ id: cartTable.id })
    .from(cartTable)
    .where(and(sql`${cartTable.id} in ${abandoned}`, isAbandoned))
    .for("update", { skipLocked: true });
  if (gone.length === 0) throw tooMany("cartsPerTenant", "in this shop");
  await deleteCarts(tx, gone);
}

const tooMany = (limit: keyof UnpaidLimits, where: string) =>
  new Failure(
    "limited",
    "cart.open_limit",
    `Too many open carts were made ${where}. Use one of them, or retry later.`,
    {
      retryAfter: 3_600,
      data: { limit },
    },
  );

/** Deletes carts that are locked. Their reservations lasted minutes and are gone already. */
export async function deleteCarts(tx: Tx, carts: readonly { id: string }[]): Promise<void> {
  const ids = carts.map(({ id }) => id);
  await tx.delete(cartLineTable).where(anyOf(cartLineTable.cartId, ids));
  await tx.delete(cartTable).where(anyOf(cartTable.id, ids));
}
