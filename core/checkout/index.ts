export * as Checkout from "./index.js";

import { and, desc, eq } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { Cart, CartKey } from "../cart/index.js";
import { Inventory } from "../inventory/index.js";
import { afterCommit } from "../kernel/after-commit.js";
import { db, read } from "../kernel/db.js";
import { conflict } from "../kernel/error.js";
import { emit } from "../kernel/event/index.js";
import { fn } from "../kernel/fn.js";
import { Order, OrderPaid, OrderPlaced, OrderShape } from "../order/index.js";
import { OrderId, orderTable } from "../order/order.sql.js";
import { statements, view } from "../order/view.js";
import { HOLD, Means, newAttempt, open } from "../payment/attempt.js";
import { PaymentStep } from "../payment/index.js";
import { paymentTable } from "../payment/payment.sql.js";
import { isManual } from "../payment/registry.js";

export { pay, settled } from "./payment.js";

export const Completion = z.strictObject({ payment: Means.default({ provider: "manual" }) });

export const Completed = z.object({ order: OrderShape, payment: PaymentStep }).meta({ id: "CompletedCheckout" });

/**
 * Turns a cart into an order. The lock on the cart lets one of those who race for it through; the others wait, find
 * the order and answer the same. Nothing is written unless the whole order can be: prices, stock, number and event
 * are in one transaction. The number of statements does not grow with the lines. With a provider that is asked
 * elsewhere the order waits: its goods are held, and the payment is opened after the commit.
 * @throws Failure not_found, stale, or conflict (`cart.incomplete`, `stock.insufficient`, `payment.provider_unavailable`)
 */
export const complete = fn(z.object({ cart: CartKey, completion: Completion }), ({ cart: key, completion }) =>
  db(async (tx) => {
    const cart = await Cart.lockOpenCart(tx, key, { status: "completed" });
    if (!cart) return again(tx, key);
    const { lines, shipping, totals, requirements } = Cart.calculateCart(cart, await Cart.loadCart(cart.id));
    const { email, shippingAddress } = cart;
    if (requirements.length > 0 || !email || !shippingAddress || !shipping) {
      throw conflict("cart.incomplete", "The cart is incomplete; see `requirements`.", { data: { requirements } });
    }
    const orderId = OrderId.create();
    const due = { orderId, amount: totals.total, currency: cart.currency };
    const payment = await newAttempt(tx, due, completion.payment);
    const waits = !isManual(payment.provider);
    if (waits) await Inventory.hold(cart.id, lines, HOLD);
    else await Inventory.take(lines, { orderId, holder: cart.id });
    const placed = await Order.place(tx, { orderId, cart, email, shippingAddress, lines, shipping, totals, payment });
    const order = view(placed.order, placed.lines);
    if (waits) return opened(order, payment.id);
    const { number, placedAt } = order;
    emit(OrderPlaced, { orderId, number, total: order.totals.total, placedAt });
    if (order.paymentStatus === "captured") emit(OrderPaid, { orderId, number, amount: order.totals.total });
    return { order, payment: { status: order.paymentStatus, action: null } };
  }),
);

const opened = (order: ReturnType<typeof view>, paymentId: string) =>
  afterCommit(async () => ({ order, payment: await open(paymentId) }));

/** The order that this cart became before, and what is left to do for it. */
async function again(tx: Tx, key: CartKey) {
  const mine = and(eq(orderTable.cartId, key.id), eq(orderTable.tokenHash, Cart.hashToken(key.token)));
  const [[found], lines, [payment]] = await read((q) => {
    const [head, body] = statements(q, mine);
    return [
      head,
      body,
      q
        .select({ id: paymentTable.id })
        .from(paymentTable)
        .innerJoin(orderTable, eq(orderTable.id, paymentTable.orderId))
        .where(mine)
        .orderBy(desc(paymentTable.id))
        .limit(1),
    ] as const;
  });
  if (!found || !payment) throw await Cart.refusalFor(tx, key);
  const order = view(found, lines);
  if (order.status === "pending") return opened(order, payment.id);
  return { order, payment: { status: order.paymentStatus, action: null } };
}
