import { and, eq, inArray, isNull, or, sql } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { actorRecord } from "../kernel/actor.js";
import { orderTable, orderTimelineTable, TimelineId } from "./order.sql.js";

export const TimelineEntry = z
  .object({
    id: TimelineId,
    type: z.string().meta({ examples: ["placed", "captured", "confirmation_sent", "note"] }),
    data: z.record(z.string(), z.unknown()),
    actor: z.record(z.string(), z.unknown()),
    createdAt: z.string(),
  })
  .meta({
    id: "TimelineEntry",
    description: "One entry in the history of an order, with the actor who caused it. Entries never change.",
  });

export const columns = {
  id: orderTimelineTable.id,
  type: orderTimelineTable.type,
  data: orderTimelineTable.data,
  actor: orderTimelineTable.actor,
  createdAt: orderTimelineTable.createdAt,
};

/** A row of the timeline, by whoever is calling. */
export const entry = (orderId: string, type: string, data: Record<string, unknown> = {}) => ({
  id: TimelineId.create(),
  orderId,
  type,
  data,
  actor: actorRecord(),
});

/** That its money will not come is worse than that it could not be taken. */
const LOST = "payment_lost";

/** Asks for somebody's attention to an order that stands, once. */
export async function flag(
  tx: Tx,
  orderId: string,
  attention: "payment_lost" | "capture_failed",
  data: Record<string, unknown>,
): Promise<void> {
  const worse = attention === LOST ? sql`${orderTable.attention} <> ${LOST}` : undefined;
  const [flagged] = await tx
    .update(orderTable)
    .set({ attention, version: sql`${orderTable.version} + 1` })
    .where(
      and(
        eq(orderTable.id, orderId),
        inArray(orderTable.status, ["open", "completed"]),
        or(isNull(orderTable.attention), worse),
      ),
    )
    .returning({ id: orderTable.id });
  if (flagged) await tx.insert(orderTimelineTable).values(entry(orderId, attention, data));
}
