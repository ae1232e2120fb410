import { and, asc, eq, inArray, isNull, lt, lte, or, sql } from "drizzle-orm";
import { Client } from "../../drizzle/client.js";
import { withRelay } from "../../drizzle/relay.js";
import type { Tx } from "../../drizzle/tenant.js";
import { config } from "../config.js";
import { jobTable } from "../job/job.sql.js";
import { eventTable } from "./event.sql.js";

/** What leaves the database of an event or a job: where it is, never what it says. */
export interface Pointer {
  tenantId: string;
  id: string;
  type: string;
  requestId: string;
  traceparent: string | null;
}

/** Sends pointers; answers the ids that were refused, with the reason. */
export type Send = (pointers: readonly Pointer[]) => Promise<Map<string, string>>;

const BATCH = 100;
/** After this many attempts an event is given up, and an alarm tells the operator. */
export const MAX_ATTEMPTS = 10;
/** A job whose pointer nobody took in this time is sent again. Seconds. */
const RESEND = 900;

let client: Client | undefined;
const relay = <T>(run: (tx: Tx) => Promise<T>): Promise<T> => {
  client ??= new Client({ url: config.RELAY_DATABASE_URL, proxy: config.NEON_PROXY });
  return withRelay(client, run);
};

const pointer = (table: typeof eventTable | typeof jobTable) => ({
  tenantId: table.tenantId,
  id: table.id,
  requestId: table.requestId,
  traceparent: table.traceparent,
});

/**
 * Publishes the next events in order. The claim holds their row locks while they are sent (≤ 10 s), so that a crash
 * frees them at once; a duplicate is then possible, and consumers bear it. No last id is remembered: transactions
 * commit in another order than their ids were made.
 */
export const publishNext = (send: Send): Promise<{ sent: number; failed: number }> =>
  relay(async (tx) => {
    const claimed = await tx
      .select({ ...pointer(eventTable), type: eventTable.type })
      .from(eventTable)
      .where(and(isNull(eventTable.publishedAt), isNull(eventTable.deadAt), lte(eventTable.nextAttemptAt, sql`now()`)))
      .orderBy(asc(eventTable.id))
      .limit(BATCH)
      .for("update", { skipLocked: true });
    if (claimed.length === 0) return { sent: 0, failed: 0 };
    const refused = await send(claimed as Pointer[]);
    const sent = claimed.filter(({ id }) => !refused.has(id)).map(({ id }) => id);
    if (sent.length > 0)
      await tx.update(eventTable).set({ publishedAt: sql`now()` }).where(inArray(eventTable.id, sent));
    for (const [reason, ids] of byReason(refused)) {
      const retry = {
        attempts: sql`${eventTable.attempts} + 1`,
        nextAttemptAt: sql`now() + least(300, power(2, ${eventTable.attempts})) * (0.8 + random() * 0.4) * interval '1 second'`,
        lastError: reason.slice(0, 500),
        deadAt: sql`case when ${eventTable.attempts} + 1 >= ${MAX_ATTEMPTS} then now() end`,
      };
      await tx.update(eventTable).set(retry).where(inArray(eventTable.id, ids));
    }
    return { sent: sent.length, failed: refused.size };
  });

/** Sends the pointers of jobs that are due: new ones, retries, and those whose worker died with the lease. */
export const sendDueJobs = (send: Send): Promise<{ sent: number; failed: number }> =>
  relay(async (tx) => {
    const queued = and(
      eq(jobTable.status, "queued"),
      lte(jobTable.dueAt, sql`now()`),
      or(isNull(jobTable.sentAt), lt(jobTable.sentAt, sql`now() - make_interval(secs => ${RESEND})`)),
    );
    const abandoned = and(
      eq(jobTable.status, "running"),
      lt(jobTable.leaseUntil, sql`now()`),
      or(isNull(jobTable.sentAt), lt(jobTable.sentAt, jobTable.leaseUntil)),
    );
    const due = await tx
      .select({ ...pointer(jobTable), type: jobTable.name })
      .from(jobTable)
      .where(or(queued, abandoned))
      .orderBy(asc(jobTable.dueAt))
      .limit(BATCH)
      .for("update", { skipLocked: true });
    if (due.length === 0) return { sent: 0, failed: 0 };
    const refused = await send(due as Pointer[]);
    const sent = due.filter(({ id }) => !refused.has(id)).map(({ id }) => id);
    if (sent.length > 0) await tx.update(jobTable).set({ sentAt: sql`now()` }).where(inArray(jobTable.id, sent));
    return { sent: sent.length, failed: refused.size };
  });

/** How far behind the outbox is. Seconds, and counts. */
export const lag = () =>
  relay(async (tx) => {
    const [row] = await tx
      .select({
        pending: sql<number>`count(*) filter (where dead_at is null)::int`,
        dead: sql<number>`count(*) filter (where dead_at is not null)::int`,
        oldest: sql<number>`coalesce(extract(epoch from now() - min(created_at) filter (where dead_at is null)), 0)::float8`,
      })
      .from(eventTable)
      .where(isNull(eventTable.publishedAt));
    return row ?? { pending: 0, dead: 0, oldest: 0 };
  });

function byReason(refused: Map<string, string>): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const [id, reason] of refused) groups.set(reason, [...(groups.get(reason) ?? []), id]);
  return groups;
}
