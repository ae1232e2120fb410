export * as Checkout from "./index.js";

import { and, eq } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { basket } from "../cart/basket.js";
import { contents } from "../cart/contents.js";
import { CartKey, hash, refusal, take } from "../cart/key.js";
import { db, read } from "../db.js";
import { conflict } from "../error.js";
import { emit } from "../event/index.js";
import { fn } from "../fn.js";
import { Inventory } from "../inventory/index.js";
import { Order, OrderId, OrderPaid, OrderPlaced, OrderShape } from "../order/index.js";
import { statements, view } from "../order/load.js";
import { orderTable } from "../order/order.sql.js";
import { Payment, PaymentStep, ProviderName } from "../payment/index.js";

export const Completion = z.strictObject({
  payment: z.strictObject({ provider: ProviderName }).default({ provider: "manual" }),
});

export const Completed = z.object({ order: OrderShape, payment: PaymentStep }).meta({ id: "CompletedCheckout" });

/**
 * Turns a cart into an order. The lock on the cart lets one of those who race for it through; the others wait, find
 * the order and answer the same. Nothing is written unless the whole order can be: prices, stock, number and event
 * are in one transaction. The number of statements does not grow with the lines.
 * @throws Failure not_found, stale, or conflict (`cart.incomplete`, `stock.insufficient`)
 */
export const complete = fn(z.object({ cart: CartKey, completion: Completion }), ({ cart: key, completion }) =>
  db(async (tx) => {
    const cart = await take(tx, key, { status: "completed" });
    if (!cart) return again(tx, key);
    const { lines, shipping, totals, requirements } = basket(cart, await contents(tx, cart.id));
    const { email, shippingAddress } = cart;
    if (requirements.length > 0 || !email || !shippingAddress || !shipping) {
      throw conflict("cart.incomplete", "The cart lacks something.", { data: { requirements } });
    }
    const orderId = OrderId.create();
    await Inventory.take(lines, { orderId, holder: cart.id });
    const { provider } = completion.payment;
    const placed = await Order.place(tx, { orderId, cart, email, shippingAddress, lines, shipping, totals, provider });
    const order = view(placed.order, placed.lines);
    const { number, placedAt } = order;
    emit(OrderPlaced, { orderId, number, total: order.totals.total, placedAt });
    if (order.paymentStatus === "captured") emit(OrderPaid, { orderId, number, amount: order.totals.total });
    const action = await Payment.providerOf(provider).open(placed.payment);
    return { order, payment: { status: order.paymentStatus, action } };
  }),
);

/** The order that this cart became before. */
async function again(tx: Tx, key: CartKey) {
  const mine = and(eq(orderTable.cartId, key.id), eq(orderTable.tokenHash, hash(key.token)));
  const [[order], lines, [payment]] = await read((q) => statements(q, mine));
  if (!order || !payment) throw await refusal(tx, key);
  const action = await Payment.providerOf(payment.provider).open(payment);
  return { order: view(order, lines), payment: { status: order.paymentStatus, action } };
}
