import { and, eq, sql } from "drizzle-orm";
import * as z from "zod";
import { faultOf } from "../../drizzle/fault.js";
import { asRow, prepared } from "../../drizzle/prepared.js";
import type { Reader } from "../../drizzle/reader.js";
import type { Tx } from "../../drizzle/tenant.js";
import { VariantId } from "../catalog/catalog.sql.js";
import { Inventory } from "../inventory/index.js";
import { db } from "../kernel/db.js";
import { conflict, invalid, notFound } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { insertJson, rowsToJson } from "../kernel/rows.js";
import { type CalculatedCart, calculateCart } from "./calculation.js";
import { cartLineTable, LineId } from "./cart.sql.js";
import type { CartRows } from "./cart-rows.js";
import { CartKey, type CartRow, type HashedKey, hashKey } from "./key.js";
import { isLocked, requireOpenCart } from "./lock.js";
import { show } from "./quote.js";

const MAX_LINES = 100;

export const Quantity = z.int().min(1).max(10_000).describe("The number of pieces");
export const NewLine = z.strictObject({
  variantId: VariantId.describe("The variant to buy, which is not its product"),
  quantity: Quantity,
});
export const NewLines = z.array(NewLine).max(MAX_LINES);
type NewLine = z.output<typeof NewLine>;

/** Adds a line; a variant that is in the cart already gets the quantities of both. */
export const addLine = fn(z.object({ cart: CartKey, line: NewLine }), ({ cart: key, line }) =>
  db(async (tx) => {
    const insert = (q: Reader) => insertQuery(q, key.id, [line], hashKey(key));
    const { cart, rows } = await requireOpenCart(tx, key, {}, insert).catch(toLineFailure("/variantId"));
    return show(
      tx,
      recalculate(tx, cart, rows, [line], (field) => `/${field}`),
    );
  }),
);

const isLine = (q: Reader, key: CartKey, lineId: string) =>
  and(eq(cartLineTable.id, lineId), eq(cartLineTable.cartId, key.id), isLocked(q, hashKey(key)));

export const setLine = fn(
  z.object({ cart: CartKey, lineId: LineId, quantity: Quantity }),
  ({ cart: key, lineId, quantity }) =>
    db(async (tx) => {
      const { cart, rows, changed } = await requireOpenCart(tx, key, {}, (q) =>
        q
          .with()
          .update(cartLineTable)
          .set({ quantity })
          .where(isLine(q, key, lineId))
          .returning(variant),
      );
      if (changed.length === 0) throw notFound("cart_line");
      return show(
        tx,
        recalculate(tx, cart, rows, changed, () => "/quantity"),
      );
    }),
);

export const removeLine = fn(z.object({ cart: CartKey, lineId: LineId }), ({ cart: key, lineId }) =>
  db(async (tx) => {
    const { cart, rows, changed } = await requireOpenCart(tx, key, {}, (q) =>
      q
        .with()
        .delete(cartLineTable)
        .where(isLine(q, key, lineId))
        .returning(variant),
    );
    if (changed.length === 0) throw notFound("cart_line");
    return show(
      tx,
      recalculate(tx, cart, rows, [], () => ""),
    );
  }),
);

const variant = { variantId: cartLineTable.variantId };

const insertLines = prepared((q, { lines, key }: { lines: string; key?: HashedKey | undefined }) =>
  insertJson(q, cartLineTable, ["id", "cartId", "variantId", "quantity"], lines, key && isLocked(q, key))
    .onConflictDoUpdate({
      target: [cartLineTable.tenantId, cartLineTable.cartId, cartLineTable.variantId],
      set: { quantity: sql`${cartLineTable.quantity} + excluded.quantity` },
    })
    .returning(variant),
);

/**
 * The statement that inserts lines into a cart. Foreign keys and checks refuse unknown variants and impossible
 * quantities ({@link toLineFailure}); the recalculation that follows refuses a variant that is not for sale.
 * @param key of a cart that the statement before must have locked
 */
export function insertQuery(q: Reader, cartId: string, lines: readonly NewLine[], key?: HashedKey) {
  const quantities = new Map<string, number>();
  for (const { variantId, quantity } of lines) quantities.set(variantId, quantity + (quantities.get(variantId) ?? 0));
  const ids = Array.from(quantities, () => LineId.create()).sort(); // lines are shown in the order of their ids
  const rows = Array.from(quantities, ([variantId, quantity], index) => {
    return { id: ids[index] ?? LineId.create(), cartId, variantId, quantity };
  });
  return insertLines(q, { lines: rowsToJson(cartLineTable, rows), key: key && asRow(key) });
}

/** Throws the failure that explains the violated constraint of a line. @throws Failure invalid */
export const toLineFailure =
  (pointer: string) =>
  (error: unknown): never => {
    const constraint = faultOf(error)?.constraint;
    if (constraint === "cart_line_variant") throw variantUnavailable(pointer);
    if (constraint === "cart_line_quantity") throw totalTooLarge(pointer.replace("variantId", "quantity"));
    throw error;
  };

/**
 * Calculates a cart after a change of its lines, and releases the stock that was reserved for the former ones.
 * @param given the variants of the change, which must be for sale
 * @param pointer gives the path of a field of one of them, for errors
 * @throws Failure invalid or conflict
 */
export function recalculate(
  tx: Tx,
  cart: CartRow,
  rows: CartRows,
  given: readonly { variantId: string }[],
  pointer: (field: "variantId" | "quantity", index: number) => string,
): CalculatedCart {
  const made = calculateCart(cart, rows);
  if (made.lines.length > MAX_LINES) throw conflict("cart.too_many_lines", `A cart has at most ${MAX_LINES} lines.`);
  const states = new Map(made.lines.map(({ variantId, state }) => [variantId, state]));
  for (const [index, { variantId }] of given.entries()) {
    if (states.get(variantId) === "unavailable") throw variantUnavailable(pointer("variantId", index));
    if (made.requirements.includes("total_too_large")) throw totalTooLarge(pointer("quantity", index));
  }
  if (made.reservedUntil) Inventory.releaseLater(tx, cart.id);
  return { ...made, reservedUntil: null };
}

/** One answer for an unknown, foreign or inactive variant and for one without a price: it reveals no other tenant. */
const variantUnavailable = (pointer: string) =>
  invalid("variant.unavailable", "The variant is not for sale.", {
    errors: [{ pointer, detail: "is not for sale in the currency of this cart" }],
  });

const totalTooLarge = (pointer: string) =>
  invalid("cart.total_too_large", "The amount exceeds the maximum of one order.", {
    errors: [{ pointer, detail: "exceeds the maximum of one cart" }],
  });
