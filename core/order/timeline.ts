import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { actorRecord } from "../kernel/actor.js";
import { defer } from "../kernel/db.js";
import { insertRows } from "../kernel/rows.js";
import { orderTimelineTable, TimelineId } from "./order.sql.js";

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

/** An entry that is to be written. */
export interface NewEntry {
  type: string;
  data?: Record<string, unknown>;
  /** The actor; the caller when left out. */
  actor?: Record<string, unknown>;
}

/** A row of the timeline. */
export const entry = (orderId: string, type: string, data: Record<string, unknown> = {}, actor = actorRecord()) => ({
  id: TimelineId.create(),
  orderId,
  type,
  data,
  actor,
});

/** Adds entries to the history of an order, in this order. The caller increments the order's version. */
export function addToTimeline(tx: Tx, orderId: string, entries: readonly NewEntry[]): void {
  if (entries.length === 0) return;
  defer(
    insertRows(
      tx,
      orderTimelineTable,
      entries.map(({ type, data, actor }) => entry(orderId, type, data, actor)),
    ),
  );
}
