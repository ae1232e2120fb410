import { and, eq } from "drizzle-orm";
import * as z from "zod";
import { CartKey, hashToken } from "../cart/index.js";
import { Inventory } from "../inventory/index.js";
import { afterCommit } from "../kernel/after-commit.js";
import { db, read } from "../kernel/db.js";
import { conflict, notFound } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { OrderId, orderLineTable, orderTable } from "../order/order.sql.js";
import { HOLD, newAttempt, OtherMeans, open } from "../payment/attempt.js";
import { paymentTable } from "../payment/payment.sql.js";

const Key = z.object({ id: OrderId, token: CartKey.shape.token });
const mine = ({ id, token }: z.output<typeof Key>) =>
  and(eq(orderTable.id, id), eq(orderTable.tokenHash, hashToken(token)));

/**
 * Another attempt to pay an order that still waits: another card, another way. Its goods are held anew. Whichever
 * attempt succeeds first counts, and the money of any other goes back.
 * @throws Failure not_found, conflict (`order.not_payable`, `stock.insufficient`, `payment.provider_unavailable`)
 */
export const pay = fn(z.object({ order: Key, means: OtherMeans }), ({ order: key, means }) =>
  db(async (tx) => {
    const [order] = await tx.select().from(orderTable).where(mine(key)).for("update");
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
    await Inventory.hold(order.cartId, lines, HOLD);
    const due = { orderId: order.id, amount: order.total - order.tendered, currency: order.currency };
    const attempt = await newAttempt(tx, due, means);
    await tx.insert(paymentTable).values(attempt);
    return afterCommit(() => open(attempt.id));
  }),
);

/** Milliseconds between two looks at an order that somebody waits for. */
const LOOK = 200;

/** Waits until an order is decided, as the page does to which the provider sends the shopper back. Writes nothing. */
export async function settled(key: z.output<typeof Key>, seconds: number): Promise<void> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    const [order] = await read((q) => q.select({ status: orderTable.status }).from(orderTable).where(mine(key)));
    if (order?.status !== "pending") return;
    await new Promise((resume) => setTimeout(resume, LOOK));
  }
}
