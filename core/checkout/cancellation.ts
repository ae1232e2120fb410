import * as z from "zod";
import { typeIdToUuid, uuidToTypeId } from "../../drizzle/typeid.js";
import { Cart, CartRecord } from "../cart/index.js";
import { AfterCommit } from "../kernel/after-commit.js";
import { db } from "../kernel/db.js";
import { notFound } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { Order, OrderRecord } from "../order/index.js";
import { orderTable } from "../order/order.sql.js";
import { Payment } from "../payment/index.js";
import { OrderKey, orderOfCart } from "./payment.js";

export const CancelledOrder = z
  .object({
    order: OrderRecord,
    cart: CartRecord.nullable().meta({
      description: "An open copy of the order's cart, with the same token; null when that cart was removed",
    }),
  })
  .meta({ id: "CancelledOrder" });

/** Each order has one copy of its cart at most, which its id names. */
const copyIdOf = (orderId: string) => uuidToTypeId("crt", typeIdToUuid("ord", orderId));

/**
 * Cancels the shopper's own pending order, and opens a copy of its cart: the goods are for sale again, to this shopper
 * as to any other. A second request, or one for an order that ended by itself, finds the same.
 * @throws Failure not_found, stale, or conflict `order.not_cancellable`
 */
export const cancelOrder = fn(z.object({ order: OrderKey, version: z.int().optional() }), ({ order: key, version }) =>
  db(async (tx) => {
    const [found] = await tx.select({ cartId: orderTable.cartId }).from(orderTable).where(orderOfCart(key));
    if (!found) throw notFound("order");
    const waits = await Payment.cancelPendingOrder({ id: key.id, version });
    const cart = await Cart.copy(tx, { from: found.cartId, to: copyIdOf(key.id) });
    const answer = async () => ({ order: await Order.getByCartToken(key), cart });
    return waits ? new AfterCommit(() => waits.run().then(answer)) : answer();
  }),
);
