export * as Job from "./index.js";

import { and, eq, lt, lte, or, sql } from "drizzle-orm";
import * as z from "zod";
import { param, prepared } from "../../../drizzle/prepared.js";
import type { Reader, Unexecuted } from "../../../drizzle/reader.js";
import { context } from "../actor.js";
import { currentOutbox, db, read } from "../db.js";
import { notFound } from "../error.js";
import { fn, parse } from "../fn.js";
import { listById } from "../list.js";
import { pageQuery } from "../page.js";
import { JobId, jobStatuses, jobTable } from "./job.sql.js";

export { JobId } from "./job.sql.js";

export const JobRecord = z
  .object({
    id: JobId,
    name: z.string().meta({ examples: ["order.confirmation-mail"] }),
    status: z.enum(jobStatuses),
    progress: z.object({ done: z.int(), total: z.int() }),
    attempts: z.int(),
    dueAt: z.string(),
    lastError: z.string().nullable(),
    createdAt: z.string(),
    finishedAt: z.string().nullable(),
  })
  .meta({ id: "Job" });

/** A kind of job: its permanent name and the shape of its payload. A module attaches the work with `handle()`. */
export interface JobType<Schema extends z.ZodObject = z.ZodObject> {
  name: string;
  schema: Schema;
}

const declared: JobType[] = [];

/** All kinds of jobs of this process, so that the start can refuse one that no module handles. */
export const declaredJobs = (): readonly JobType[] => declared;

export function defineJob<Schema extends z.ZodObject>(name: string, schema: Schema): JobType<Schema> {
  const job = { name, schema };
  declared.push(job);
  return job;
}

/** Queries that write what a job did, sent with the one that marks it as succeeded: one message, which is one transaction. */
export type Note = (q: Reader) => readonly Unexecuted[];

/** The note among the values that handlers return. */
export const noteOf = (value: unknown): Note | undefined => (typeof value === "function" ? (value as Note) : undefined);

/**
 * The work of one kind of job, outside of a transaction. A duplicate delivery or a crash runs it again, so it must find
 * out which part is done, and give the job's id to a provider as idempotency key. A function that it returns is its
 * note; any other value is ignored.
 */
export interface JobHandler {
  job: JobType;
  run(payload: never, job: { id: string }): Promise<unknown>;
}
export const handle = <Schema extends z.ZodObject>(
  job: JobType<Schema>,
  run: (payload: z.output<Schema>, job: { id: string }) => Promise<unknown>,
): JobHandler => ({ job, run });

/**
 * Makes a job in the commit of the open transaction. With a `key`, a second one of the same name and key is not made.
 * @param options.delay seconds until it is due, by the clock of this environment; at once without, by the database's
 */
export function enqueue<Schema extends z.ZodObject>(
  job: JobType<Schema>,
  payload: z.input<Schema>,
  options: { key?: string; delay?: number } = {},
): void {
  const { requestId, traceparent } = context();
  currentOutbox().jobs.push({
    id: JobId.create(),
    name: job.name,
    payload: parse(job.schema, payload) as Record<string, unknown>,
    uniqueKey: options.key ?? null,
    ...(options.delay !== undefined && { dueAt: new Date(Date.now() + options.delay * 1_000).toISOString() }),
    requestId,
    traceparent: traceparent ?? null,
  });
}

const view = {
  id: jobTable.id,
  name: jobTable.name,
  status: jobTable.status,
  progress: { done: jobTable.progressDone, total: jobTable.progressTotal },
  attempts: jobTable.attempts,
  dueAt: jobTable.dueAt,
  lastError: jobTable.lastError,
  createdAt: jobTable.createdAt,
  finishedAt: jobTable.finishedAt,
};

export const JobPage = pageQuery({ status: z.enum(jobStatuses).optional().describe("Jobs in this status only") });

/** Lists jobs, the newest first. */
export const list = fn(JobPage, (page) =>
  listById(
    { name: "jobs", id: jobTable.id, order: "desc", where: page.status ? eq(jobTable.status, page.status) : undefined },
    page,
    (q) => q.select(view).from(jobTable).$dynamic(),
  ),
);

export const get = fn(JobId, async (jobId) => {
  const [job] = await read((q) => q.select(view).from(jobTable).where(eq(jobTable.id, jobId)));
  if (!job) throw notFound("job");
  return job;
});

const claimQuery = prepared((q, { jobId, lease }: { jobId: string; lease: number }) => {
  const free = or(
    and(eq(jobTable.status, "queued"), lte(jobTable.dueAt, sql`now()`)),
    and(eq(jobTable.status, "running"), lt(jobTable.leaseUntil, sql`now()`)),
  );
  const attemptsUsedUp = sql`${jobTable.attempts} >= ${jobTable.maxAttempts}`;
  return q
    .with()
    .update(jobTable)
    .set({
      status: sql`case when ${attemptsUsedUp} then 'failed' else 'running' end`,
      attempts: sql`${jobTable.attempts} + case when ${attemptsUsedUp} then 0 else 1 end`,
      leaseUntil: sql`case when not ${attemptsUsedUp} then now() + make_interval(secs => ${lease}) end`,
      lastError: sql`case when ${attemptsUsedUp} then 'Every worker stopped before it finished.' else ${jobTable.lastError} end`,
      finishedAt: sql`case when ${attemptsUsedUp} then now() end`,
    })
    .where(and(eq(jobTable.id, param(jobId, jobTable.id)), free))
    .returning();
});

/**
 * Takes a job for `lease` seconds, when it is due and no other worker holds it: one message, which is one transaction. A
 * job whose workers all stopped without a report fails after the last attempt.
 * @returns undefined when there is nothing to do: the job is done, held, or of another tenant
 */
export async function claim(jobId: string, lease: number) {
  const [job] = await read((q) => claimQuery(q, { jobId, lease }));
  return job;
}

export async function exists(jobId: string): Promise<boolean> {
  const rows = await read((q) => q.select({ id: jobTable.id }).from(jobTable).where(eq(jobTable.id, jobId)));
  return rows.length > 0;
}

/** Only the holder of this attempt may finish it: a slow one that lost its lease changes nothing. */
const isHeldBy = (jobId: string, attempt: number) =>
  and(
    eq(jobTable.id, param(jobId, jobTable.id)),
    eq(jobTable.status, "running"),
    eq(jobTable.attempts, param(attempt, jobTable.attempts)),
  );

const succeedQuery = prepared((q, { jobId, attempt }: { jobId: string; attempt: number }) =>
  q
    .with()
    .update(jobTable)
    .set({
      status: "succeeded",
      progressDone: sql`${jobTable.progressTotal}`,
      leaseUntil: null,
      lastError: null,
      finishedAt: sql`now()`,
    })
    .where(isHeldBy(jobId, attempt)),
);

/** Marks a job as succeeded, with its note in the same transaction. */
export async function succeed(jobId: string, attempt: number, note: Note = () => []): Promise<void> {
  await read((q) => [...note(q), succeedQuery(q, { jobId, attempt })]);
}

/**
 * Puts a job back into the queue with exponential backoff and jitter (5 s, 10 s, 20 s … ≤ 1 h), or gives it up after
 * the last attempt.
 */
export const fail = (jobId: string, attempt: number, reason: string) =>
  db((tx) =>
    tx
      .update(jobTable)
      .set({
        status: sql`case when ${jobTable.attempts} >= ${jobTable.maxAttempts} then 'failed' else 'queued' end`,
        finishedAt: sql`case when ${jobTable.attempts} >= ${jobTable.maxAttempts} then now() end`,
        dueAt: sql`now() + least(3600, 5 * power(2, ${jobTable.attempts} - 1)) * (0.8 + random() * 0.4) * interval '1 second'`,
        sentAt: null,
        leaseUntil: null,
        lastError: reason.slice(0, 500),
      })
      .where(isHeldBy(jobId, attempt)),
  );
