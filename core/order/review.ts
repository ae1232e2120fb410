import { eq } from "drizzle-orm";
import * as z from "zod";
import { db } from "../kernel/db.js";
import { notFound } from "../kernel/error.js";
import { emit } from "../kernel/event/index.js";
import { fn } from "../kernel/fn.js";
import { statement } from "../kernel/text.js";
import { requireVersion } from "../kernel/version.js";
import { type AttentionState, clearAttention } from "./attention.js";
import { OrderReviewed } from "./event.js";
import { OrderId, orderTable } from "./order.sql.js";
import { updateProgress } from "./payment-progress.js";
import { addToTimeline } from "./timeline.js";

export const Review = z.strictObject({
  text: statement(2000).optional().meta({ description: "How the order was dealt with" }),
});

/**
 * Records that the staff has dealt with all concerns of an order, as of the version that the reviewer has read: one that
 * came since is not reviewed by it.
 * @throws Failure not_found or stale
 */
export const review = fn(
  Review.extend({ id: OrderId, version: z.int().optional() }),
  ({ id: orderId, version, text }): Promise<void> =>
    db(async (tx) => {
      const [order] = await tx.select().from(orderTable).where(eq(orderTable.id, orderId)).for("update");
      if (!order) throw notFound("order");
      requireVersion("order", order, version);
      const state = clearAttention(order, () => true);
      if (state === order) return;
      const codes = codesOf(order);
      updateProgress(tx, orderId, { attention: state.attention, concerns: state.concerns });
      addToTimeline(tx, orderId, [{ type: "reviewed", data: { codes, ...(text !== undefined && { text }) } }]);
      emit(OrderReviewed, { orderId, number: order.number, codes });
    }),
);

const codesOf = ({ attention, concerns }: AttentionState) => [
  ...new Set([...(attention === null ? [] : [attention]), ...concerns.map(({ code }) => code)]),
];
