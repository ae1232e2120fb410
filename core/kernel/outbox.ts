import type { SQL } from "drizzle-orm";
import type { Reader } from "../../drizzle/reader.js";
import { eventTable } from "./event/event.sql.js";
import { jobTable } from "./job/job.sql.js";

/** The events and jobs of a transaction: written with its COMMIT, gone with its rollback. */
export interface Outbox {
  events: (typeof eventTable.$inferInsert)[];
  jobs: (typeof jobTable.$inferInsert)[];
}

export const emptyOutbox = (): Outbox => ({ events: [], jobs: [] });

/** The statements that write an outbox. */
export function outboxStatements(q: Reader, { events, jobs }: Outbox): SQL[] {
  return [
    ...(events.length > 0 ? [q.insert(eventTable).values(events).getSQL()] : []),
    ...(jobs.length > 0 ? [q.insert(jobTable).values(jobs).onConflictDoNothing().getSQL()] : []),
  ];
}
