export * as Checkout from "./index.js";

import { and, desc, eq } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { Cart, CartKey } from "../cart/index.js";
import { Inventory } from "../inventory/index.js";
import { afterCommit } from "../kernel/after-commit.js";
import { inMinutes } from "../kernel/clock.js";
import { db, read } from "../kernel/db.js";
import { conflict } from "../kernel/error.js";
import { emit } from "../kernel/event/index.js";
import { fn } from "../kernel/fn.js";
import { Order, OrderPaid, OrderPlaced, OrderRecord, orderQueries, view } from "../order/index.js";
import { OrderId, orderTable } from "../order/order.sql.js";
import { Payment, PaymentMethodInput, PaymentStep } from "../payment/index.js";
import { paymentTable } from "../payment/payment.sql.js";
import { unpaidLimits } from "../payment/payment-method.sql.js";
import { strangerKey } from "../rate/index.js";
import { ExpectedTotal, refuseUnseen } from "./agreement.js";

export { CancelledOrder, cancelOrder } from "./cancellation.js";
export { retryPayment, waitForDecision } from "./payment.js";

export const Completion = z.strictObject({
  payment: PaymentMethodInput.optional().meta({
    description: "Default: the first method that the shop offers; see `GET /v1/store/payment-methods`",
  }),
  expectedTotal: ExpectedTotal.optional(),
});

const CompletionRequest = z.object({ cart: CartKey, tag: z.string().optional(), completion: Completion });

export const Completed = z.object({ order: OrderRecord, payment: PaymentStep }).meta({ id: "CompletedCheckout" });

/**
 * Turns a cart into an order. The lock on the cart lets one of several concurrent requests through; the others wait,
 * find the order and answer the same. Prices, stock, number and event are written in one transaction: the order exists
 * with all of them or not at all. The number of statements does not grow with the lines. With a remote provider, and
 * until the staff accepts an order by hand, the order is pending: its goods are reserved, and nothing else counts. A
 * remote payment is opened after the commit.
 * @throws Failure not_found, stale, or conflict (`cart.incomplete`, `cart.total_changed`, `stock.insufficient`,
 * `payment.method_not_offered`, `payment.provider_unavailable`)
 */
export const complete = fn(CompletionRequest, ({ cart: key, tag, completion }) =>
  db(async (tx) => {
    const locked = await Cart.lockOpenCart(key, { status: "completed" });
    if (!locked) return findCompleted(tx, key);
    const { cart, rows } = locked;
    const calculated = Cart.calculateCart(cart, rows);
    const { lines, shipping, totals, requirements } = calculated;
    const { email, shippingAddress } = cart;
    const missing = requirements.filter((requirement) => !Cart.decidedLater.includes(requirement));
    if (missing.length > 0 || !email || !shippingAddress || !shipping) {
      throw conflict("cart.incomplete", "The cart is incomplete; see `requirements`.", { data: { requirements } });
    }
    const refusal = refuseUnseen(tx, calculated, { tag, expectedTotal: completion.expectedTotal });
    if (refusal) return refusal;
    const orderId = OrderId.create();
    const due = { orderId, amount: totals.total, currency: cart.currency };
    const { paymentSetting: setting, accountStatus } = rows;
    const offered = Payment.offeredMethods({ setting, accountStatus, channelId: cart.channelId });
    const chosen = due.amount === 0 ? undefined : Payment.chooseMethod(offered, completion.payment);
    const payment = await Payment.prepareAttempt(tx, due, chosen);
    const goods = payment.accepted
      ? Inventory.deduction(lines, { orderId, holder: cart.id })
      : Inventory.reservation(lines, {
          holder: cart.id,
          until: inMinutes(Payment.holdMinutesOf(chosen)),
          addressKey: strangerKey(),
          share: unpaidLimits(setting).holdShare,
        });
    const paymentDueAt = payment.accepted ? undefined : inMinutes(Payment.dueMinutesOf(chosen));
    const about = { addressKey: strangerKey(), paymentDueAt, limits: unpaidLimits(setting) };
    const placement = { orderId, cart, email, shippingAddress, lines, shipping, totals, payment, ...about };
    const placed = await Order.place(tx, placement, goods);
    const order = view(placed.order, placed.lines);
    if (!payment.accepted) return withOpenedPayment(order, payment.id);
    const { number, placedAt } = order;
    emit(OrderPlaced, { orderId, number, total: order.totals.total, placedAt });
    if (Payment.isCapturedAtCheckout(payment.provider)) {
      await Payment.captureAtCheckout(tx, orderId);
      return findCompleted(tx, key);
    }
    if (order.paymentStatus === "captured") emit(OrderPaid, { orderId, number, amount: order.totals.total });
    return { order, payment: { status: order.paymentStatus, action: null } };
  }),
);

const withOpenedPayment = (order: ReturnType<typeof view>, paymentId: string) =>
  afterCommit(async () => ({ order, payment: await Payment.openAttempt(paymentId) }));

/** The order that the cart has become before; a payment that was not opened yet is opened now. */
async function findCompleted(tx: Tx, key: CartKey) {
  const mine = and(eq(orderTable.cartId, key.id), eq(orderTable.tokenHash, Cart.hashToken(key.token)));
  const [[found], lines, [payment]] = await read(
    (q) =>
      [
        ...orderQueries(q, mine),
        q
          .select({ id: paymentTable.id })
          .from(paymentTable)
          .innerJoin(orderTable, eq(orderTable.id, paymentTable.orderId))
          .where(mine)
          .orderBy(desc(paymentTable.id))
          .limit(1),
      ] as const,
  );
  if (!found || !payment) throw await Cart.refusalFor(tx, key);
  const order = view(found, lines);
  if (order.status === "pending") return withOpenedPayment(order, payment.id);
  return { order, payment: { status: order.paymentStatus, action: null } };
}
