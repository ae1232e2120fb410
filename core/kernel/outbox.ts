import { prepared } from "../../drizzle/prepared.js";
import type { Reader, Unexecuted } from "../../drizzle/reader.js";
import { eventTable } from "./event/event.sql.js";
import { jobTable } from "./job/job.sql.js";
import { insertJson, rowsToJson } from "./rows.js";

/** The events and jobs of a transaction: written with its COMMIT, gone with its rollback. */
export interface Outbox {
  events: (typeof eventTable.$inferInsert)[];
  jobs: (typeof jobTable.$inferInsert)[];
}

/**
 * Milliseconds for which the relay waits after a nudge before it looks: what is committed in that time goes along, and
 * needs no nudge of its own.
 */
export const GATHERING = 80;

export const emptyOutbox = (): Outbox => ({ events: [], jobs: [] });

const insertEvents = prepared((q, { events }: { events: string }) =>
  insertJson(q, eventTable, ["id", "type", "data", "actor", "requestId", "traceparent"], events),
);
const jobColumns = ["id", "name", "payload", "uniqueKey", "dueAt", "requestId", "traceparent"] as const;
const insertJobs = prepared((q, { jobs }: { jobs: string }) =>
  insertJson(q, jobTable, jobColumns, jobs).onConflictDoNothing(),
);

/** The queries that write an outbox. */
export function outboxQueries(q: Reader, { events, jobs }: Outbox): Unexecuted[] {
  return [
    ...(events.length > 0 ? [insertEvents(q, { events: rowsToJson(eventTable, events) })] : []),
    ...(jobs.length > 0 ? [insertJobs(q, { jobs: rowsToJson(jobTable, jobs) })] : []),
  ];
}
