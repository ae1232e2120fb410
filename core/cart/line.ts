import { and, eq, sql } from "drizzle-orm";
import * as z from "zod";
import { faultOf } from "../../drizzle/fault.js";
import type { Tx } from "../../drizzle/tenant.js";
import { VariantId } from "../catalog/catalog.sql.js";
import { Inventory } from "../inventory/index.js";
import { db } from "../kernel/db.js";
import { conflict, invalid, notFound } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { type Basket, basket, view } from "./calculate.js";
import { cartLineTable, LineId } from "./cart.sql.js";
import { CartKey, type Header, touch } from "./key.js";
import { contents } from "./load.js";

const MAX_LINES = 100;

export const Quantity = z.int().min(1).max(10_000);
export const NewLine = z.strictObject({ variantId: VariantId, quantity: Quantity });
export const NewLines = z.array(NewLine).max(MAX_LINES);
type NewLine = z.output<typeof NewLine>;

/** Equal variants are one line. */
export const addLine = fn(z.object({ cart: CartKey, line: NewLine }), ({ cart, line }) =>
  db(async (tx) => {
    const touched = await touch(tx, cart);
    await insert(tx, touched.id, [line], "/variantId");
    return view(await changed(tx, touched, [line], (field) => `/${field}`));
  }),
);

export const setLine = fn(z.object({ cart: CartKey, lineId: LineId, quantity: Quantity }), (input) =>
  db(async (tx) => {
    const touched = await touch(tx, input.cart);
    const lines = await tx
      .update(cartLineTable)
      .set({ quantity: input.quantity })
      .where(and(eq(cartLineTable.id, input.lineId), eq(cartLineTable.cartId, touched.id)))
      .returning({ variantId: cartLineTable.variantId });
    if (lines.length === 0) throw notFound("cart_line");
    return view(await changed(tx, touched, lines, () => "/quantity"));
  }),
);

export const removeLine = fn(z.object({ cart: CartKey, lineId: LineId }), ({ cart, lineId }) =>
  db(async (tx) => {
    const touched = await touch(tx, cart);
    const removed = await tx
      .delete(cartLineTable)
      .where(and(eq(cartLineTable.id, lineId), eq(cartLineTable.cartId, touched.id)))
      .returning({ id: cartLineTable.id });
    if (removed.length === 0) throw notFound("cart_line");
    return view(await changed(tx, touched, [], () => ""));
  }),
);

/**
 * Puts lines into a cart. Keys and checks refuse what can never be in one; whether a variant is sold is seen in the
 * view that is answered anyway.
 */
export async function insert(tx: Tx, cartId: string, lines: readonly NewLine[], pointer: string): Promise<void> {
  const quantities = new Map<string, number>();
  for (const { variantId, quantity } of lines) quantities.set(variantId, quantity + (quantities.get(variantId) ?? 0));
  const ids = Array.from(quantities, () => LineId.create()).sort(); // lines are shown in the order of their ids
  const rows = Array.from(quantities, ([variantId, quantity], index) => {
    return { id: ids[index] ?? LineId.create(), cartId, variantId, quantity };
  });
  await tx
    .insert(cartLineTable)
    .values(rows)
    .onConflictDoUpdate({
      target: [cartLineTable.tenantId, cartLineTable.cartId, cartLineTable.variantId],
      set: { quantity: sql`${cartLineTable.quantity} + excluded.quantity` },
    })
    .catch((error: unknown) => {
      const constraint = faultOf(error)?.constraint;
      if (constraint === "cart_line_variant") throw unavailable(pointer);
      if (constraint === "cart_line_quantity") throw tooLarge(pointer.replace("variantId", "quantity"));
      throw error;
    });
}

/**
 * The basket after a change of its lines; the stock that was held for the former ones is let go.
 * @param given what the change put in, which must be for sale
 * @param pointer of a field of one of them
 * @throws Failure invalid or conflict
 */
export async function changed(
  tx: Tx,
  cart: Header,
  given: readonly { variantId: string }[],
  pointer: (field: "variantId" | "quantity", index: number) => string,
): Promise<Basket> {
  const made = basket(cart, await contents(tx, cart.id));
  if (made.lines.length > MAX_LINES) throw conflict("cart.too_many_lines", `A cart has at most ${MAX_LINES} lines.`);
  const states = new Map(made.lines.map(({ variantId, state }) => [variantId, state]));
  for (const [index, { variantId }] of given.entries()) {
    if (states.get(variantId) === "unavailable") throw unavailable(pointer("variantId", index));
    if (made.requirements.includes("total_too_large")) throw tooLarge(pointer("quantity", index));
  }
  if (made.heldUntil) await Inventory.release(cart.id);
  return { ...made, heldUntil: null };
}

/** Says the same for a variant that is unknown, foreign, not active or without a price in the cart's currency. */
const unavailable = (pointer: string) =>
  invalid("variant.unavailable", "The variant is not for sale.", {
    errors: [{ pointer, detail: "is not for sale in the currency of this cart" }],
  });

const tooLarge = (pointer: string) =>
  invalid("cart.total_too_large", "The amount exceeds the maximum of one order.", {
    errors: [{ pointer, detail: "exceeds the maximum of one cart" }],
  });
