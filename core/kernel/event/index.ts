export * as Event from "./index.js";

import { eq } from "drizzle-orm";
import * as z from "zod";
import { actorRecord, context } from "../actor.js";
import { currentOutbox, read } from "../db.js";
import { notFound } from "../error.js";
import { fn, parse } from "../fn.js";
import { listById } from "../list.js";
import { pageQuery } from "../page.js";
import { EventId, eventTable } from "./event.sql.js";
import type { EventType } from "./subscriber.js";

export { EventId } from "./event.sql.js";
export { handleOnce, handleTogether } from "./inbox.js";
export { defineEvent, type EventType, on, type Subscriber } from "./subscriber.js";

export const EventRecord = z
  .object({
    id: EventId,
    type: z.string().meta({ examples: ["order.placed"] }),
    data: z.record(z.string(), z.unknown()),
    actor: z.record(z.string(), z.unknown()),
    requestId: z.string(),
    createdAt: z.string(),
    publishedAt: z.string().nullable(),
  })
  .meta({
    id: "Event",
    description:
      "A fact, written in the transaction that made it true. Delivered at least once, in no guaranteed order.",
  });

/** Writes an event in the commit of the open transaction. @throws Failure when the data does not fit */
export function emit<Schema extends z.ZodObject>(event: EventType<Schema>, data: z.input<Schema>): void {
  const { requestId, traceparent } = context();
  currentOutbox().events.push({
    id: EventId.create(),
    type: event.type,
    data: parse(event.schema, data) as Record<string, unknown>,
    actor: actorRecord(),
    requestId,
    traceparent: traceparent ?? null,
  });
}

const view = {
  id: eventTable.id,
  type: eventTable.type,
  data: eventTable.data,
  actor: eventTable.actor,
  requestId: eventTable.requestId,
  createdAt: eventTable.createdAt,
  publishedAt: eventTable.publishedAt,
};

export const EventPage = pageQuery({
  type: z.string().max(100).optional().describe("Events of this type only: order.placed"),
});

/** Lists events, the newest first. */
export const list = fn(EventPage, (page) =>
  listById(
    { name: "events", id: eventTable.id, order: "desc", where: page.type ? eq(eventTable.type, page.type) : undefined },
    page,
    (q) => q.select(view).from(eventTable).$dynamic(),
  ),
);

/**
 * Reads an event of the actor's tenant from its row, because the content of a message is not trusted; undefined without
 * a row.
 */
export async function find(eventId: string) {
  const [event] = await read((q) =>
    q
      .select({ ...view, traceparent: eventTable.traceparent })
      .from(eventTable)
      .where(eq(eventTable.id, eventId)),
  );
  return event;
}

export const get = fn(EventId, async (eventId) => {
  const event = await find(eventId);
  if (!event) throw notFound("event");
  const { traceparent: _, ...shown } = event;
  return shown;
});
