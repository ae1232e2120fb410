import { sql } from "drizzle-orm";
import { check, index, integer, jsonb, text } from "drizzle-orm/pg-core";
import { instant } from "../../../drizzle/column.js";
import { tenantTable } from "../../../drizzle/table.js";
import { id } from "../id.js";

export const EventId = id("evt");

/**
 * Days for which events, the inbox and finished jobs are kept: longer than a message can live in a queue (4 days) and
 * its dead-letter queue (14 days).
 */
export const RETENTION_DAYS = 30;

const relayColumns = ["publishedAt", "attempts", "nextAttemptAt", "deadAt"] as const;

/**
 * The outbox: an event exists if and only if its transaction committed. The relay writes the columns from `publishedAt`
 * on.
 */
export const eventTable = tenantTable(
  "event",
  {
    id: EventId.column("id").notNull(),
    type: text("type").notNull(),
    data: jsonb("data").notNull().$type<Record<string, unknown>>(),
    actor: jsonb("actor").notNull().$type<Record<string, unknown>>(),
    requestId: text("request_id").notNull(),
    traceparent: text("traceparent"),
    publishedAt: instant("published_at"),
    attempts: integer("attempts").notNull().default(0),
    nextAttemptAt: instant("next_attempt_at").notNull().default(sql`now()`),
    lastError: text("last_error"),
    /** The instant at which the relay gave the event up, after ten attempts; an alarm tells the operator. */
    deadAt: instant("dead_at"),
  },
  (self) => [
    // Not led by tenant_id: the relay serves all tenants in order.
    index("event_unpublished").on(self.id).where(sql`published_at is null`),
    index("event_type").on(self.tenantId, self.type, self.id),
    check("event_data_size", sql`octet_length(data::text) <= 65536`),
  ],
  {
    due: (self) => ({ at: self.publishedAt, after: `${RETENTION_DAYS} days` }),
    relay: {
      select: ["tenantId", "id", "type", "requestId", "traceparent", "createdAt", ...relayColumns],
      update: ["updatedAt", "lastError", ...relayColumns],
    },
  },
);

/** The events that each subscriber has handled: the row is inserted first, in the transaction of the effect. */
export const inboxTable = tenantTable("inbox", {
  /** The event's UUID and the subscriber's permanent name. */
  id: text("id").notNull(),
});
