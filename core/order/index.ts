export * as Order from "./index.js";

import { and, desc, eq, isNotNull, isNull, lt, sql } from "drizzle-orm";
import * as z from "zod";
import { faultOf } from "../../drizzle/fault.js";
import { param, prepared } from "../../drizzle/prepared.js";
import { CartKey, hashToken, PricedLine, PricedShipping, PricedTotals } from "../cart/index.js";
import { Address } from "../kernel/address.js";
import { db, read } from "../kernel/db.js";
import { Email, spellingsOf } from "../kernel/email.js";
import { notFound } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { listById } from "../kernel/list.js";
import { Currency, Money } from "../kernel/money.js";
import { pageQuery, paginate } from "../kernel/page.js";
import { statement } from "../kernel/text.js";
import { attentionCodes } from "./attention.js";
import {
  fulfillmentStatuses,
  isFact,
  isNote,
  NOTE,
  OrderId,
  orderStatuses,
  orderTable,
  orderTimelineTable,
  paymentStatuses,
} from "./order.sql.js";
import { entry, columns as entryColumns } from "./timeline.js";
import { movedVersion } from "./version.js";
import { orderQueries, summaryColumns, view } from "./view.js";

export {
  type AttentionState,
  type Concern,
  clearAttention,
  clearMoot,
  concernsOf,
  hasConcern,
  raiseAttention,
} from "./attention.js";
export { Cancellation, cancel, isCancellable, notCancellable } from "./cancellation.js";
export { confirmationMailJob, sendConfirmation } from "./confirmation.js";
export { OrderCancelled, OrderPaid, OrderPlaced, OrderReviewed } from "./event.js";
export { orderLedgerAccounts, orderLedgerKinds, recordSale } from "./ledger.js";
export { cancellationMailJob, mailCancellation, mailRefund, refundMailJob } from "./mail.js";
export { orderMeter } from "./meter.js";
export { OrderId } from "./order.sql.js";
export { applyPayment, deductGoods, updateProgress } from "./payment-progress.js";
export { place } from "./placement.js";
export { Review, review } from "./review.js";
export { addToTimeline, columns as timelineColumns, type NewEntry, TimelineEntry } from "./timeline.js";
export { movedVersion } from "./version.js";
export { orderQueries, view } from "./view.js";

export const PaymentStatus = z.enum(paymentStatuses).meta({ id: "PaymentStatus" });

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
    .meta({ examples: ["payment_expired", "out_of_stock", "requested_by_shopper"] }),
  currency: Currency,
  email: z.string(),
  placedAt: z.string(),
});
export const OrderRecord = Head.extend({
  shippingAddress: Address,
  billingAddress: Address,
  shipping: PricedShipping,
  lines: z.array(PricedLine),
  totals: PricedTotals,
}).meta({ id: "Order", description: "A snapshot of the purchase. Only its statuses change." });
export const Attention = z
  .string()
  .nullable()
  .meta({
    description: "The gravest reason why the staff should review the order; null when there is none",
    examples: [...attentionCodes],
  });
export const OrderSummary = Head.extend({ total: Money, attention: Attention }).meta({ id: "OrderSummary" });
export const OrderPage = pageQuery({
  status: z.enum(orderStatuses).optional().describe("Orders in this status only"),
  paymentStatus: PaymentStatus.optional().describe("Orders whose payment stands so only"),
  number: z.coerce
    .number()
    .int()
    .min(1)
    .max(2_147_483_647)
    .optional()
    .describe("The number of one order, as its shopper reads it: 1001"),
  email: Email.optional().describe(
    "The orders of this address; the domain may be written in ASCII or in its own script",
  ),
  attention: z.enum(["true", "false"]).optional().meta({ description: "Whether the staff should review the order" }),
});

interface Spellings {
  email?: string | undefined;
  /** With the domain in ASCII, and in its own script. */
  emailAscii?: string | undefined;
  emailUnicode?: string | undefined;
}
/** The condition on the address, which is kept as it was given. */
const hasEmail = ({ email, emailAscii, emailUnicode }: Spellings) =>
  sql`${orderTable.emailFolded} in (lower(${email}), lower(${emailAscii}), lower(${emailUnicode}))`;

type ListQuery = Omit<z.infer<typeof OrderPage>, "cursor" | "attention"> &
  Spellings & {
    after: string | undefined;
    /** Given for orders with a reason for attention, and for those without. */
    flagged: true | undefined;
    unflagged: true | undefined;
  };
const newest = prepared((q, { limit, after, status, paymentStatus, number, flagged, unflagged, ...email }: ListQuery) =>
  q
    .select(summaryColumns)
    .from(orderTable)
    .where(
      and(
        status && eq(orderTable.status, status),
        paymentStatus && eq(orderTable.paymentStatus, paymentStatus),
        number === undefined ? undefined : eq(orderTable.number, number),
        email.email ? hasEmail(email) : undefined,
        flagged && isNotNull(orderTable.attention),
        unflagged && isNull(orderTable.attention),
        after ? lt(orderTable.id, param(after, orderTable.id)) : undefined,
      ),
    )
    .orderBy(desc(orderTable.id))
    .limit(limit),
);

/** Lists orders, the newest first. */
export const list = fn(OrderPage, async ({ limit, cursor, ...filters }) => {
  const { after, page: answer } = paginate("orders", cursor, filters);
  const [, emailAscii, emailUnicode] = filters.email ? spellingsOf(filters.email) : [];
  const spelled = { emailAscii, emailUnicode };
  const { attention, ...rest } = filters;
  const flagged = attention === "true" || undefined;
  const unflagged = attention === "false" || undefined;
  const rows = await read((q) =>
    newest(q, { ...rest, ...spelled, flagged, unflagged, limit: limit + 1, after: after.id }),
  );
  return answer(
    rows,
    limit,
    (row) => ({ id: row.id }),
    (row) => ({ ...row, total: { amount: row.total, currency: row.currency } }),
  );
});

/** The order as its shopper sees it, found by the token of its cart. @throws Failure not_found */
export const getByCartToken = fn(
  z.object({ id: OrderId, token: CartKey.shape.token }),
  async ({ id: orderId, token }) => {
    const mine = and(eq(orderTable.id, orderId), eq(orderTable.tokenHash, hashToken(token)));
    const [[order], lines] = await read((q) => orderQueries(q, mine));
    if (!order) throw notFound("order");
    return view(order, lines);
  },
);

export const TimelinePage = pageQuery({
  kind: z.enum(["facts", "notes"]).optional().meta({ description: "Only facts, or only the staff's notes" }),
});

/** Lists the history of an order, the newest entry first. @throws Failure not_found */
export const listTimeline = fn(TimelinePage.extend({ id: OrderId }), async ({ id: orderId, ...page }) => {
  const kind = page.kind && (page.kind === "facts" ? isFact : isNote);
  const where = and(eq(orderTimelineTable.orderId, orderId), kind);
  const found = await listById(
    { name: `timeline ${orderId}`, id: orderTimelineTable.id, order: "desc", where },
    page,
    (q) => q.select(entryColumns).from(orderTimelineTable).$dynamic(),
  );
  // Each order has an entry: only an unknown one has an empty first page of all kinds.
  if (found.data.length === 0) await requireOrder(orderId);
  return found;
});

async function requireOrder(orderId: string): Promise<void> {
  const [order] = await read((q) => q.select({ id: orderTable.id }).from(orderTable).where(eq(orderTable.id, orderId)));
  if (!order) throw notFound("order");
}

export const Note = z.strictObject({ text: statement(2000).describe("For the staff; shoppers do not see it") });

/** Adds a note of the staff to the timeline, which shoppers do not see. @throws Failure not_found */
export const note = fn(z.object({ id: OrderId, note: Note }), ({ id: orderId, note: data }) =>
  db(async (tx) => {
    const [made] = await tx
      .with(movedVersion(tx, eq(orderTable.id, orderId)))
      .insert(orderTimelineTable)
      .values(entry(orderId, NOTE, data))
      .returning(entryColumns)
      .catch((error: unknown) => {
        throw faultOf(error)?.constraint === "order_timeline_order" ? notFound("order") : error;
      });
    if (!made) throw new Error("An insert without a conflict clause answers its row.");
    return made;
  }),
);
