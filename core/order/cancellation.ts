import { and, eq, sql } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { releaseEntitlement } from "../entitlement/index.js";
import { Inventory } from "../inventory/index.js";
import { defer } from "../kernel/db.js";
import { conflict, type Failure } from "../kernel/error.js";
import { emit } from "../kernel/event/index.js";
import { anyOf } from "../kernel/rows.js";
import { line } from "../kernel/text.js";
import { bump } from "../kernel/version.js";
import { Ledger, Posting } from "../ledger/index.js";
import { clearMoot } from "./attention.js";
import { OrderCancelled } from "./event.js";
import { orderMeter } from "./meter.js";
import { type Order, orderLineTable, orderTable, orderTimelineTable } from "./order.sql.js";
import { entry } from "./timeline.js";
import { columns } from "./view.js";

/** The reasons that the staff can give. The system's own are `payment_expired`, `payment_voided` and `out_of_stock`. */
const cancelReasons = ["requested_by_shopper", "out_of_stock", "suspected_fraud", "not_paid", "other"] as const;

export const Cancellation = z.strictObject({
  reason: z.enum(cancelReasons).default("other").describe("Kept with the order, and shown to the shopper"),
  restock: z.boolean().default(true).meta({
    description:
      "Whether the goods of an open order are for sale again. The reserved ones of a pending order always are",
  }),
  note: line(500).optional().meta({ description: "For the timeline; shoppers do not see it" }),
});

/** The statuses from which an order can be cancelled, as long as none of its goods have left. */
const cancellableStatuses = ["pending", "open"] as const;
type CancellableStatus = (typeof cancellableStatuses)[number];

export const isCancellable = ({ status, fulfillmentStatus }: Pick<Order, "status" | "fulfillmentStatus">): boolean =>
  cancellableStatuses.some((one) => one === status) && fulfillmentStatus === "unfulfilled";

export const notCancellable = ({ status, fulfillmentStatus }: Pick<Order, "status" | "fulfillmentStatus">): Failure =>
  conflict(
    "order.not_cancellable",
    "The order can no longer be cancelled; see `orderStatus` and `fulfillmentStatus`.",
    { data: { orderStatus: status, fulfillmentStatus } },
  );

interface Terms {
  /** Only from these statuses; a pending order alone by default, because a timer must not end a sale. */
  from?: readonly CancellableStatus[];
  restock?: boolean;
  note?: string | undefined;
  /** The part of the sale that was refunded before, in minor units. */
  refunded?: number;
}

const variantsOf = (tx: Tx, orderId: string) =>
  tx.select({ id: orderLineTable.variantId }).from(orderLineTable).where(eq(orderLineTable.orderId, orderId));

/** The order that is to be cancelled, as the caller has locked it. */
type Cancelled = Pick<Order, "id" | "attention" | "concerns">;

/**
 * Cancels an order and gives back all that it has taken: goods reserved or sold, its place in the plan's limit, and the
 * sale in the ledger. Its payments are the caller's matter.
 * @returns false when the order has another status
 */
export async function cancel(tx: Tx, locked: Cancelled, reason: string, terms: Terms = {}): Promise<boolean> {
  const { from = ["pending"], restock = true, note, refunded = 0 } = terms;
  const { id: orderId } = locked;
  const { attention, concerns } = clearMoot(locked);
  const [order] = await tx
    .update(orderTable)
    .set({
      ...{ status: "cancelled", amountApplied: 0, cancelReason: reason, version: bump(orderTable) },
      ...{ attention, concerns },
    })
    .where(
      and(eq(orderTable.id, orderId), anyOf(orderTable.status, from), eq(orderTable.fulfillmentStatus, "unfulfilled")),
    )
    .returning({
      ...columns,
      cartId: orderTable.cartId,
      before: sql<CancellableStatus>`old.status`,
    });
  if (!order) return false;
  const wasPlaced = order.before === "open";
  if (!wasPlaced) Inventory.releaseLater(tx, order.cartId);
  else if (restock) Inventory.restockLater(tx, order, variantsOf(tx, orderId));
  if (wasPlaced) Ledger.recordLater(tx, "order.cancelled", orderId, Posting.cancellationEntries(order, refunded));
  const total = { amount: order.total, currency: order.currency };
  const data = { reason, amount: total, ...(wasPlaced && { restocked: restock }), ...(note !== undefined && { note }) };
  defer(tx.insert(orderTimelineTable).values(entry(orderId, "cancelled", data)));
  // An order counts against the plan from the moment in which it is placed.
  if (wasPlaced) await releaseEntitlement(orderMeter, 1, order.placedAt);
  emit(OrderCancelled, { orderId, number: order.number, reason, total, placedAt: wasPlaced ? order.placedAt : null });
  return true;
}
