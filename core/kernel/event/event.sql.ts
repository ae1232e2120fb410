import { sql } from "drizzle-orm";
import { check, index, integer, jsonb, text } from "drizzle-orm/pg-core";
import { instant } from "../../../drizzle/column.js";
import { tenantTable } from "../../../drizzle/table.js";
import { id } from "../id.js";

export const EventId = id("evt");

/** The outbox: an event exists if and only if its transaction committed. The relay owns the columns from `published_at`. */
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
    /** Given up after ten attempts; an alarm tells the operator. */
    deadAt: instant("dead_at"),
  },
  (self) => [
    // Not led by tenant_id: the relay serves all tenants in order.
    index("event_unpublished").on(self.id).where(sql`published_at is null`),
    index("event_type").on(self.tenantId, self.type, self.id),
    check("event_data_size", sql`octet_length(data::text) <= 65536`),
  ],
);

/** What each subscriber has done: inserted first, in the transaction of the effect. */
export const inboxTable = tenantTable("inbox", {
  /** The event's UUID and the subscriber's permanent name. */
  id: text("id").notNull(),
});
