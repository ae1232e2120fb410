import { and, eq, sql } from "drizzle-orm";
import * as z from "zod";
import { faultOf } from "../../drizzle/fault.js";
import type { Tx } from "../../drizzle/tenant.js";
import { VariantId } from "../catalog/catalog.sql.js";
import { Inventory } from "../inventory/index.js";
import { db } from "../kernel/db.js";
import { conflict, invalid, notFound } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { insertRows } from "../kernel/rows.js";
import { type CalculatedCart, calculateCart } from "./calculation.js";
import { cartLineTable, LineId } from "./cart.sql.js";
import { loadCart } from "./cart-rows.js";
import { CartKey, type CartRow, requireOpenCart } from "./key.js";
import { view } from "./view.js";

const MAX_LINES = 100;

export const Quantity = z.int().min(1).max(10_000);
export const NewLine = z.strictObject({ variantId: VariantId, quantity: Quantity });
export const NewLines = z.array(NewLine).max(MAX_LINES);
type NewLine = z.output<typeof NewLine>;

/** Adds a line; a variant that is in the cart already gets the quantities of both. */
export const addLine = fn(z.object({ cart: CartKey, line: NewLine }), ({ cart, line }) =>
  db(async (tx) => {
    const touched = await requireOpenCart(tx, cart);
    await insertLines(tx, touched.id, [line], "/variantId");
    return view(await recalculate(touched, [line], (field) => `/${field}`));
  }),
);

export const setLine = fn(z.object({ cart: CartKey, lineId: LineId, quantity: Quantity }), (input) =>
  db(async (tx) => {
    const touched = await requireOpenCart(tx, input.cart);
    const lines = await tx
      .update(cartLineTable)
      .set({ quantity: input.quantity })
      .where(and(eq(cartLineTable.id, input.lineId), eq(cartLineTable.cartId, touched.id)))
      .returning({ variantId: cartLineTable.variantId });
    if (lines.length === 0) throw notFound("cart_line");
    return view(await recalculate(touched, lines, () => "/quantity"));
  }),
);

export const removeLine = fn(z.object({ cart: CartKey, lineId: LineId }), ({ cart, lineId }) =>
  db(async (tx) => {
    const touched = await requireOpenCart(tx, cart);
    const removed = await tx
      .delete(cartLineTable)
      .where(and(eq(cartLineTable.id, lineId), eq(cartLineTable.cartId, touched.id)))
      .returning({ id: cartLineTable.id });
    if (removed.length === 0) throw notFound("cart_line");
    return view(await recalculate(touched, [], () => ""));
  }),
);

/**
 * Inserts lines into a cart. Foreign keys and checks refuse unknown variants and impossible quantities; the
 * recalculation that follows refuses a variant that is not for sale.
 */
export async function insertLines(tx: Tx, cartId: string, lines: readonly NewLine[], pointer: string): Promise<void> {
  const quantities = new Map<string, number>();
  for (const { variantId, quantity } of lines) quantities.set(variantId, quantity + (quantities.get(variantId) ?? 0));
  const ids = Array.from(quantities, () => LineId.create()).sort(); // lines are shown in the order of their ids
  const rows = Array.from(quantities, ([variantId, quantity], index) => {
    return { id: ids[index] ?? LineId.create(), cartId, variantId, quantity };
  });
  await insertRows(tx, cartLineTable, rows)
    .onConflictDoUpdate({
      target: [cartLineTable.tenantId, cartLineTable.cartId, cartLineTable.variantId],
      set: { quantity: sql`${cartLineTable.quantity} + excluded.quantity` },
    })
    .catch((error: unknown) => {
      const constraint = faultOf(error)?.constraint;
      if (constraint === "cart_line_variant") throw variantUnavailable(pointer);
      if (constraint === "cart_line_quantity") throw totalTooLarge(pointer.replace("variantId", "quantity"));
      throw error;
    });
}

/**
 * Calculates a cart anew after a change of its lines, and releases the stock that was reserved for the former ones.
 * @param given the variants of the change, which must be for sale
 * @param pointer gives the path of a field of one of them, for errors
 * @throws Failure invalid or conflict
 */
export async function recalculate(
  cart: CartRow,
  given: readonly { variantId: string }[],
  pointer: (field: "variantId" | "quantity", index: number) => string,
): Promise<CalculatedCart> {
  const made = calculateCart(cart, await loadCart(cart.id));
  if (made.lines.length > MAX_LINES) throw conflict("cart.too_many_lines", `A cart has at most ${MAX_LINES} lines.`);
  const states = new Map(made.lines.map(({ variantId, state }) => [variantId, state]));
  for (const [index, { variantId }] of given.entries()) {
    if (states.get(variantId) === "unavailable") throw variantUnavailable(pointer("variantId", index));
    if (made.requirements.includes("total_too_large")) throw totalTooLarge(pointer("quantity", index));
  }
  if (made.reservedUntil) await Inventory.release(cart.id);
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
