export * as Order from "./index.js";

import { and, asc, desc, eq, lt, sql } from "drizzle-orm";
import * as z from "zod";
import { faultOf } from "../../drizzle/fault.js";
import { param, prepared } from "../../drizzle/prepared.js";
import { CartKey, hashToken, PricedLine, PricedShipping, PricedTotals } from "../cart/index.js";
import { Address, Email } from "../kernel/address.js";
import { db, read } from "../kernel/db.js";
import { notFound } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { Currency, Money } from "../kernel/money.js";
import { pageQuery, paginate } from "../kernel/page.js";
import { Payment, PaymentRecord, PaymentStatus } from "../payment/index.js";
import { fulfillmentStatuses, OrderId, orderStatuses, orderTable, orderTimelineTable } from "./order.sql.js";
import { entry, columns as entryColumns, TimelineEntry } from "./timeline.js";
import { statements, view } from "./view.js";

export { Capture, capture, Refund, refund, release } from "../payment/order-operation.js";
export { confirmationMailJob, sendConfirmation } from "./confirmation.js";
export { OrderCancelled, OrderPaid, OrderPlaced } from "./event.js";
export { OrderId } from "./order.sql.js";
export { place } from "./place.js";

const Head = z.object({
  id: OrderId,
  number: z.int().meta({ description: "Sequential in each tenant, starting at 1001" }),
  version: z.int(),
  status: z.enum(orderStatuses),
  paymentStatus: PaymentStatus,
  fulfillmentStatus: z.enum(fulfillmentStatuses),
  cancelReason: z
    .string()
    .nullable()
    .meta({ examples: ["payment_expired", "out_of_stock"] }),
  currency: Currency,
  email: z.string(),
  placedAt: z.string(),
});
export const OrderShape = Head.extend({
  shippingAddress: Address,
  billingAddress: Address,
  shipping: PricedShipping,
  lines: z.array(PricedLine),
  totals: PricedTotals,
}).meta({ id: "Order", description: "A snapshot of the purchase. Only its statuses change." });
const attention = z
  .string()
  .nullable()
  .meta({
    description: "The reason why the staff should review the order; null when there is none",
    examples: ["money_returned", "payment_lost", "capture_failed"],
  });
export const OrderSummary = Head.extend({ total: Money, attention }).meta({ id: "OrderSummary" });
export const OrderDetail = OrderShape.extend({
  attention,
  payments: z.array(PaymentRecord),
  timeline: z.array(TimelineEntry).meta({ description: "Oldest first, up to 500 entries" }),
}).meta({ id: "OrderDetail" });

export const OrderPage = pageQuery({
  status: z.enum(orderStatuses).optional(),
  paymentStatus: PaymentStatus.optional(),
  number: z.coerce.number().int().min(1).max(2_147_483_647).optional(),
  email: Email.optional(),
});

const summary = {
  id: orderTable.id,
  number: orderTable.number,
  version: orderTable.version,
  status: orderTable.status,
  paymentStatus: orderTable.paymentStatus,
  fulfillmentStatus: orderTable.fulfillmentStatus,
  attention: orderTable.attention,
  cancelReason: orderTable.cancelReason,
  currency: orderTable.currency,
  email: orderTable.email,
  placedAt: orderTable.placedAt,
  total: orderTable.total,
};

type Sought = Omit<z.infer<typeof OrderPage>, "cursor"> & { after: string | undefined };
const newest = prepared((q, { limit, after, status, paymentStatus, number, email }: Sought) =>
  q
    .select(summary)
    .from(orderTable)
    .where(
      and(
        status && eq(orderTable.status, status),
        paymentStatus && eq(orderTable.paymentStatus, paymentStatus),
        number === undefined ? undefined : eq(orderTable.number, number),
        email ? sql`lower(${orderTable.email}) = lower(${email})` : undefined,
        after ? lt(orderTable.id, param(after, orderTable.id)) : undefined,
      ),
    )
    .orderBy(desc(orderTable.id))
    .limit(limit),
);

/** The newest first. */
export const list = fn(OrderPage, async ({ limit, cursor, ...filters }) => {
  const { after, page: answer } = paginate("orders", cursor, filters);
  const rows = await read((q) => newest(q, { ...filters, limit: limit + 1, after: after.id }));
  return answer(
    rows,
    limit,
    (row) => ({ id: row.id }),
    (row) => ({ ...row, total: { amount: row.total, currency: row.currency } }),
  );
});

/** All of it, for the staff. */
export const get = fn(OrderId, async (orderId) => {
  const [[order], lines, payments, events, operations, timeline] = await read(
    (q) =>
      [
        ...statements(q, eq(orderTable.id, orderId)),
        q
          .select(entryColumns)
          .from(orderTimelineTable)
          .where(eq(orderTimelineTable.orderId, orderId))
          .orderBy(asc(orderTimelineTable.id))
          .limit(500),
      ] as const,
  );
  if (!order) throw notFound("order");
  return {
    ...view(order, lines),
    attention: order.attention,
    payments: payments.map((payment) => Payment.view(payment, events, operations)),
    timeline,
  };
});

/** For the shopper, by the token of the cart that it was made from. */
export const open = fn(z.object({ id: OrderId, token: CartKey.shape.token }), async ({ id: orderId, token }) => {
  const mine = and(eq(orderTable.id, orderId), eq(orderTable.tokenHash, hashToken(token)));
  const [[order], lines] = await read((q) => statements(q, mine));
  if (!order) throw notFound("order");
  return view(order, lines);
});

export const Note = z.strictObject({ text: z.string().trim().regex(/\S/, "must not be blank").max(2000) });

/** A word of the staff, for the staff. */
export const note = fn(z.object({ id: OrderId, note: Note }), ({ id: orderId, note: data }) =>
  db(async (tx) => {
    const [made] = await tx
      .insert(orderTimelineTable)
      .values(entry(orderId, "note", data))
      .returning(entryColumns)
      .catch((error: unknown) => {
        throw faultOf(error)?.constraint === "order_timeline_order" ? notFound("order") : error;
      });
    if (!made) throw new Error("An insert without a conflict clause answers its row.");
    return made;
  }),
);
