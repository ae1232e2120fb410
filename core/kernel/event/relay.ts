import { and, asc, eq, inArray, isNull, lt, lte, or, sql } from "drizzle-orm";
import { Client } from "../../../drizzle/client.js";
import { withRelay } from "../../../drizzle/relay.js";
import { checkRole } from "../../../drizzle/role.js";
import type { Tx } from "../../../drizzle/tenant.js";
import { config } from "../config.js";
import { jobTable } from "../job/job.sql.js";
import { eventTable } from "./event.sql.js";

/** The place of an event or a job in the database: a message carries it, and none of the data. */
export interface Pointer {
  tenantId: string;
  id: string;
  type: string;
  requestId: string;
  traceparent: string | null;
}

/** The reason why a pointer was not sent: the service refused this one, or did not answer at all. */
export interface Refusal {
  reason: string;
  /**
   * Whether the refusal counts as an attempt. An outage of the service does not, so that no event is given up for it.
   */
  countsAsAttempt: boolean;
}

/** Sends pointers and returns the refusals, by the id of the pointer. */
export type Send = (pointers: readonly Pointer[]) => Promise<Map<string, Refusal>>;

const BATCH = 100;
/** After this many attempts an event is given up, and an alarm tells the operator. */
const MAX_ATTEMPTS = 10;
/** The pointer of a job is sent again when no worker has taken the job for so long. Seconds. */
const RESEND = 900;

let client: Client | undefined;
async function inRelayTransaction<T>(run: (tx: Tx) => Promise<T>): Promise<T> {
  if (!client) {
    const made = new Client({ url: config.RELAY_DATABASE_URL, proxy: config.NEON_PROXY });
    await checkRole(made);
    client = made;
  }
  return withRelay(client, run);
}

const pointer = (table: typeof eventTable | typeof jobTable) => ({
  tenantId: table.tenantId,
  id: table.id,
  requestId: table.requestId,
  traceparent: table.traceparent,
});

/**
 * Publishes the next events in order. The claim holds their row locks while they are sent (≤ 10 s), so that a crash
 * frees them at once; a duplicate is then possible, which the inbox of the subscribers recognizes. No last id is
 * remembered: transactions commit in another order than their ids were made.
 */
export const publishEvents = (send: Send): Promise<{ sent: number; failed: number }> =>
  inRelayTransaction(async (tx) => {
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
    if (sent.length > 0) await tx.update(eventTable).set({ publishedAt: sql`now()` }).where(unpublishedWithIds(sent));
    for (const [{ reason, countsAsAttempt }, ids] of groupByRefusal(refused)) {
      const attempts = countsAsAttempt ? sql`${eventTable.attempts} + 1` : sql`${eventTable.attempts}`;
      const seconds = countsAsAttempt ? sql`least(300, power(2, ${eventTable.attempts}))` : sql`5`;
      const retry = {
        attempts,
        nextAttemptAt: sql`now() + ${seconds} * (0.8 + random() * 0.4) * interval '1 second'`,
        lastError: reason.slice(0, 500),
        deadAt: sql`case when ${attempts} >= ${MAX_ATTEMPTS} then now() end`,
      };
      await tx.update(eventTable).set(retry).where(unpublishedWithIds(ids));
    }
    return { sent: sent.length, failed: refused.size };
  });

/** Sends the pointers of jobs that are due: new ones, retries, and those whose worker died with the lease. */
export const sendDueJobs = (send: Send): Promise<{ sent: number; failed: number }> =>
  inRelayTransaction(async (tx) => {
    const lostPointer = lt(jobTable.sentAt, sql`now() - make_interval(secs => ${RESEND})`);
    const queued = and(
      eq(jobTable.status, "queued"),
      lte(jobTable.dueAt, sql`now()`),
      or(isNull(jobTable.sentAt), lostPointer),
    );
    const abandoned = and(
      eq(jobTable.status, "running"),
      lt(jobTable.leaseUntil, sql`now()`),
      or(isNull(jobTable.sentAt), lt(jobTable.sentAt, jobTable.leaseUntil), lostPointer),
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
export const measureLag = () =>
  inRelayTransaction(async (tx) => {
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

/** The condition for unpublished events, which the index of unpublished events serves across all tenants. */
const unpublishedWithIds = (ids: readonly string[]) =>
  and(inArray(eventTable.id, [...ids]), isNull(eventTable.publishedAt));

/** Groups the ids by refusal, so that one UPDATE writes all that failed alike. */
function groupByRefusal(refused: Map<string, Refusal>): Map<Refusal, string[]> {
  const groups = new Map<string, [Refusal, string[]]>();
  for (const [id, refusal] of refused) {
    const name = `${refusal.countsAsAttempt} ${refusal.reason}`;
    groups.set(name, [refusal, [...(groups.get(name)?.[1] ?? []), id]]);
  }
  return new Map(groups.values());
}
