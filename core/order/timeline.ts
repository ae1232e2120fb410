import * as z from "zod";
import { signature } from "../kernel/actor.js";
import { id } from "../kernel/id.js";
import { orderTimelineTable } from "./order.sql.js";

export const TimelineId = id("otl");

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
  actor: signature(),
});
