import { and, asc, eq, inArray, isNull, lt, lte, or, sql } from "drizzle-orm";
import { Client } from "../../../drizzle/client.js";
import { withRelay } from "../../../drizzle/relay.js";
import { checkRole } from "../../../drizzle/role.js";
import type { Tx } from "../../../drizzle/tenant.js";
import { typeIdToUuid, uuidToTypeId } from "../../../drizzle/typeid.js";
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

/** What one round did, and how far behind the outbox is after it. */
export interface Round {
  events: number;
  jobs: number;
  failed: number;
  /** Whether it took as many as it takes at most: more may be waiting. */
  isFull: boolean;
  /** Seconds, and counts. */
  lag: { pending: number; dead: number; oldest: number };
}

/**
 * Sends the next events in order, and the jobs that are due, in one transaction. The claim holds their row locks while
 * they are sent (≤ 10 s), so that a crash frees them at once; a duplicate is then possible, which the inbox of the
 * subscribers and the lease of the job recognize. No last id is remembered: transactions commit in another order than
 * their ids were made.
 */
export const sendNext = (toBus: Send, toJobs: Send): Promise<Round> =>
  inRelayTransaction(async (tx) => {
    const { events, jobs } = await claimNext(tx);
    const [refusedEvents, refusedJobs] = await Promise.all([sendAll(events, toBus), sendAll(jobs, toJobs)]);
    const sentEvents = idsOf(events, refusedEvents);
    const sentJobs = idsOf(jobs, refusedJobs);
    for (const [refusal, ids] of groupByRefusal(refusedEvents)) await postpone(tx, refusal, ids);
    return {
      events: sentEvents.length,
      jobs: sentJobs.length,
      failed: refusedEvents.size + refusedJobs.size,
      isFull: events.length === BATCH || jobs.length === BATCH,
      lag: await markSent(tx, sentEvents, sentJobs),
    };
  });

const sendAll = async (pointers: readonly Pointer[], send: Send): Promise<Map<string, Refusal>> =>
  pointers.length > 0 ? send(pointers) : new Map();

const idsOf = (pointers: readonly Pointer[], refused: ReadonlyMap<string, Refusal>) =>
  pointers.filter(({ id }) => !refused.has(id)).map(({ id }) => id);

const pointer = (table: typeof eventTable | typeof jobTable) => ({
  tenantId: table.tenantId,
  id: table.id,
  requestId: table.requestId,
  traceparent: table.traceparent,
});

const nextEvents = (tx: Tx) =>
  tx
    .select({ ...pointer(eventTable), type: eventTable.type, kind: sql`'evt'`.as("kind") })
    .from(eventTable)
    .where(and(isNull(eventTable.publishedAt), isNull(eventTable.deadAt), lte(eventTable.nextAttemptAt, sql`now()`)))
    .orderBy(asc(eventTable.id))
    .limit(BATCH)
    .for("update", { skipLocked: true });

/** New jobs, retries, and those whose worker died with the lease. */
function nextJobs(tx: Tx) {
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
  return tx
    .select({ ...pointer(jobTable), type: jobTable.name, kind: sql`'job'`.as("kind") })
    .from(jobTable)
    .where(or(queued, abandoned))
    .orderBy(asc(jobTable.dueAt))
    .limit(BATCH)
    .for("update", { skipLocked: true });
}

/** Locks the next events and jobs, in one statement. */
async function claimNext(tx: Tx): Promise<{ events: Pointer[]; jobs: Pointer[] }> {
  const { rows } = await tx.execute<Record<"tenant_id" | "id" | "request_id" | "type" | "kind", string>>(
    sql`with events as (${nextEvents(tx)}), jobs as (${nextJobs(tx)}) select * from events union all select * from jobs`,
  );
  const claimed = rows.map((row) => ({
    kind: row.kind,
    tenantId: uuidToTypeId("ten", row.tenant_id),
    id: uuidToTypeId(row.kind, row.id),
    type: row.type,
    requestId: row.request_id,
    traceparent: (row as { traceparent?: string | null }).traceparent ?? null,
  }));
  return {
    events: claimed.filter(({ kind }) => kind === "evt"),
    jobs: claimed.filter(({ kind }) => kind === "job"),
  };
}

/** Marks what was sent, in the statement that measures the lag. */
async function markSent(tx: Tx, events: readonly string[], jobs: readonly string[]): Promise<Round["lag"]> {
  const eventIds = sql.param(events.map((id) => typeIdToUuid("evt", id)));
  const jobIds = sql.param(jobs.map((id) => typeIdToUuid("job", id)));
  const { rows } = await tx.execute<Round["lag"] & Record<string, unknown>>(sql`
    with published as (update event set published_at = now(), updated_at = now()
                        where id = any(${eventIds}::uuid[]) and published_at is null),
         sent as (update job set sent_at = now(), updated_at = now() where id = any(${jobIds}::uuid[]))
    select count(*) filter (where dead_at is null)::int as pending,
           count(*) filter (where dead_at is not null)::int as dead,
           coalesce(extract(epoch from now() - min(created_at) filter (where dead_at is null)), 0)::float8 as oldest
      from event where published_at is null and id <> all (${eventIds}::uuid[])`);
  return rows[0] ?? { pending: 0, dead: 0, oldest: 0 };
}

/** Dates refused events for another attempt, or gives them up. */
async function postpone(tx: Tx, { reason, countsAsAttempt }: Refusal, ids: readonly string[]): Promise<void> {
  const attempts = countsAsAttempt ? sql`${eventTable.attempts} + 1` : sql`${eventTable.attempts}`;
  const seconds = countsAsAttempt ? sql`least(300, power(2, ${eventTable.attempts}))` : sql`5`;
  const retry = {
    attempts,
    nextAttemptAt: sql`now() + ${seconds} * (0.8 + random() * 0.4) * interval '1 second'`,
    lastError: reason.slice(0, 500),
    deadAt: sql`case when ${attempts} >= ${MAX_ATTEMPTS} then now() end`,
  };
  // The index of unpublished events serves all tenants.
  await tx
    .update(eventTable)
    .set(retry)
    .where(and(inArray(eventTable.id, [...ids]), isNull(eventTable.publishedAt)));
}

/** Groups the ids by refusal, so that one UPDATE writes all that failed alike. */
function groupByRefusal(refused: Map<string, Refusal>): Map<Refusal, string[]> {
  const groups = new Map<string, [Refusal, string[]]>();
  for (const [id, refusal] of refused) {
    const name = `${refusal.countsAsAttempt} ${refusal.reason}`;
    groups.set(name, [refusal, [...(groups.get(name)?.[1] ?? []), id]]);
  }
  return new Map(groups.values());
}
