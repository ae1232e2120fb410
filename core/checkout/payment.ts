import { and, eq, sql } from "drizzle-orm";
import * as z from "zod";
import { CartKey, hashToken } from "../cart/index.js";
import { Inventory } from "../inventory/index.js";
import { afterCommit } from "../kernel/after-commit.js";
import { db, read } from "../kernel/db.js";
import { conflict, notFound } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { requireVersion } from "../kernel/version.js";
import { OrderId, orderLineTable, orderTable } from "../order/order.sql.js";
import { Payment, RESERVATION_MINUTES, RetryMethodInput } from "../payment/index.js";
import { takeTokens } from "../rate/index.js";

export const OrderKey = z.object({ id: OrderId, token: CartKey.shape.token });
type OrderKey = z.output<typeof OrderKey>;
/** The condition for the order of a key; a wrong token matches no row. */
export const orderOfCart = ({ id, token }: OrderKey) =>
  and(eq(orderTable.id, id), eq(orderTable.tokenHash, hashToken(token)));

const RetryRequest = z.object({ order: OrderKey, version: z.int().optional(), method: RetryMethodInput });

/** The end of all attempts to pay an order, by the clock of the database. */
const dueAt = sql<string>`coalesce(${orderTable.paymentDueAt},
  ${orderTable.createdAt} + make_interval(mins => ${Payment.ORDER_MINUTES}))`;

/**
 * Makes another attempt to pay a pending order: another card, another way. Its goods are reserved anew, until the end of
 * the order at most. Attempts that are open are closed first, so that no two are payable at once.
 * @throws Failure not_found, conflict (`order.not_payable`, `payment.time_over`, `payment.attempts_exhausted`,
 * `payment.method_not_offered`, `stock.insufficient`, `payment.provider_unavailable`)
 */
export const retryPayment = fn(RetryRequest, ({ order: key, version, method }) =>
  db(async (tx) => {
    const [found] = await tx
      .select({
        order: orderTable,
        dueAt: dueAt.mapWith(orderTable.createdAt),
        isOver: sql<boolean>`${dueAt} <= now()`,
      })
      .from(orderTable)
      .where(orderOfCart(key))
      .for("update");
    if (!found) throw notFound("order");
    const { order } = found;
    requireVersion("order", order, version);
    if (order.status !== "pending")
      throw conflict(
        "order.not_payable",
        "The order is not pending: it is already paid or authorized, or it was cancelled.",
      );
    if (found.isOver) throw conflict("payment.time_over", "The time to pay this order is over. Complete a new cart.");
    const lines = await tx
      .select({ variantId: orderLineTable.variantId, quantity: orderLineTable.quantity })
      .from(orderLineTable)
      .where(eq(orderLineTable.orderId, order.id));
    const { offered, limits } = await Payment.loadOffered(order.cartId);
    const chosen = Payment.chooseMethod(offered, method);
    const { total, amountApplied, currency } = order;
    const due = { orderId: order.id, amount: total - amountApplied, currency, dueAt: found.dueAt };
    const begun = await Payment.beginAttempt(tx, due, chosen);
    const hold = {
      holder: order.cartId,
      until: Payment.endOf(due, RESERVATION_MINUTES),
      addressKey: order.addressKey,
      share: limits.holdShare,
    };
    await Inventory.allocate(Inventory.reservation(lines, hold));
    return afterCommit(() => Payment.openInPlaceOf(begun));
  }),
);

/** Between two reads of an order that a request waits for. Milliseconds. */
const POLL_INTERVAL = 200;

/**
 * Waits until an order is not pending any more, for the page to which the provider returns the shopper. It does not wait
 * when too many requests of the tenant wait already.
 */
export async function waitForDecision(key: OrderKey, seconds: number): Promise<void> {
  const [waiting] = await read((q) => takeTokens(q, [{ policy: "wait", key: "" }], sql`true`, seconds));
  if (!waiting?.granted) return;
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    const [order] = await read((q) => q.select({ status: orderTable.status }).from(orderTable).where(orderOfCart(key)));
    if (order?.status !== "pending") return;
    await new Promise((resume) => setTimeout(resume, POLL_INTERVAL));
  }
}
