import { and, eq } from "drizzle-orm";
import * as z from "zod";
import { CartKey, hashToken } from "../cart/index.js";
import { Inventory } from "../inventory/index.js";
import { afterCommit } from "../kernel/after-commit.js";
import { db, defer, read } from "../kernel/db.js";
import { conflict, notFound } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { OrderId, orderLineTable, orderTable } from "../order/order.sql.js";
import { Payment, RESERVATION_MINUTES, RetryMethodInput } from "../payment/index.js";
import { paymentTable } from "../payment/payment.sql.js";

const OrderKey = z.object({ id: OrderId, token: CartKey.shape.token });
type OrderKey = z.output<typeof OrderKey>;
const orderOfCart = ({ id, token }: OrderKey) => and(eq(orderTable.id, id), eq(orderTable.tokenHash, hashToken(token)));

/**
 * Makes another attempt to pay a pending order: another card, another way. Its goods are reserved anew. The attempt that
 * succeeds first counts, and the money of any other goes back.
 * @throws Failure not_found, conflict (`order.not_payable`, `stock.insufficient`, `payment.provider_unavailable`)
 */
export const retryPayment = fn(z.object({ order: OrderKey, method: RetryMethodInput }), ({ order: key, method }) =>
  db(async (tx) => {
    const [order] = await tx.select().from(orderTable).where(orderOfCart(key)).for("update");
    if (!order) throw notFound("order");
    if (order.status !== "pending")
      throw conflict(
        "order.not_payable",
        "The order is not pending: it is already paid or authorized, or it was cancelled.",
      );
    const lines = await tx
      .select({ variantId: orderLineTable.variantId, quantity: orderLineTable.quantity })
      .from(orderLineTable)
      .where(eq(orderLineTable.orderId, order.id));
    await Inventory.allocate(Inventory.reservation(order.cartId, lines, RESERVATION_MINUTES));
    const due = { orderId: order.id, amount: order.total - order.amountApplied, currency: order.currency };
    const chosen = Payment.chooseMethod(await Payment.loadOffered(order.cartId), method);
    const attempt = await Payment.prepareAttempt(tx, due, chosen);
    defer(tx.insert(paymentTable).values(attempt));
    return afterCommit(() => Payment.openAttempt(attempt.id));
  }),
);

/** Between two reads of an order that a request waits for. Milliseconds. */
const POLL_INTERVAL = 200;

/** Waits until an order is not pending any more, for the page to which the provider returns the shopper. Writes nothing. */
export async function waitForDecision(key: OrderKey, seconds: number): Promise<void> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    const [order] = await read((q) => q.select({ status: orderTable.status }).from(orderTable).where(orderOfCart(key)));
    if (order?.status !== "pending") return;
    await new Promise((resume) => setTimeout(resume, POLL_INTERVAL));
  }
}
