import type { Context, SQSBatchResponse, SQSEvent } from "aws-lambda";
import * as z from "zod";
import { withContext } from "../core/kernel/actor.js";
import { requireConfig } from "../core/kernel/config.js";
import { EventId } from "../core/kernel/event/event.sql.js";
import { Event } from "../core/kernel/event/index.js";
import { Job } from "../core/kernel/job/index.js";
import { JobId } from "../core/kernel/job/job.sql.js";
import { TenantId } from "../core/tenant/tenant.sql.js";
import { Discard, processBatch } from "./batch.js";
import { count, log, reasonOf } from "./log.js";
import { useMailer } from "./mail.js";
import { modules } from "./modules/index.js";
import { nudgeAfterBatch } from "./nudge.js";

useMailer();

/** The pointer in a message: where to find the data, which are then read as that tenant. */
const pointer = <Id extends z.ZodType>(wanted: Id) =>
  z.object({
    tenantId: TenantId,
    id: wanted,
    type: z.string().min(1).max(100),
    requestId: z.string().max(100).default("none"),
    traceparent: z.string().max(60).optional(),
  });
const EventPointer = pointer(EventId);
const JobPointer = pointer(JobId);
/** EventBridge delivers its envelope; the pointer is the detail. */
const Envelope = z.object({ detail: EventPointer });

const as = <T>(at: z.output<typeof EventPointer>, run: () => Promise<T>): Promise<T> =>
  withContext(
    {
      actor: { type: "system", tenantId: at.tenantId },
      requestId: at.requestId,
      causeId: at.id,
      ...(at.traceparent && { traceparent: at.traceparent }),
    },
    run,
  );

const subscribers = modules.flatMap((module) => module.subscribers ?? []);
const jobHandlers = new Map(
  modules.flatMap((module) => module.jobs ?? []).map((handler) => [handler.job.name, handler]),
);

type EventMessage = z.output<typeof Envelope>;

function report(at: EventMessage["detail"], subscriber: string, done: boolean): void {
  count(done ? "EventsHandled" : "DuplicatesDropped", 1, { subscriber });
  if (done) log.info("event handled", { eventId: at.id, type: at.type, subscriber });
}

/** Events of one tenant, all in one transaction. @throws when it failed, and none of them is handled */
async function handleTogether(messages: readonly EventMessage[]): Promise<void> {
  const pointers = messages.map(({ detail }) => detail);
  const [first] = pointers;
  if (!first) return;
  const handled = await as(first, () => Event.handleTogether(pointers, subscribers));
  const byId = new Map(pointers.map((at) => [at.id, at]));
  for (const { eventId, subscriber, done } of handled) {
    const at = byId.get(eventId) ?? first;
    await as(at, async () => report(at, subscriber, done));
  }
}

/** One event, each of its subscribers in a transaction of its own: one that fails undoes none of the others. */
async function handleApart({ detail }: EventMessage): Promise<void> {
  await as(detail, async () => {
    const happened = await Event.find(detail.id);
    if (!happened || happened.type !== detail.type) throw new Discard("tenant_mismatch");
    const interested = subscribers.filter((subscriber) => subscriber.event.type === happened.type);
    const failed: unknown[] = [];
    for (const subscriber of interested) {
      await Event.handleOnce(subscriber, happened).then(
        (done) => report(detail, subscriber.name, done),
        (error: unknown) => failed.push(error),
      );
    }
    if (failed.length > 0) throw failed[0];
  });
}

/** The events of a batch: those of one tenant together, and one by one where that fails. */
export const events = (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
  requireConfig("events");
  return nudgeAfterBatch(() =>
    processBatch(event, context, Envelope, handleApart, {
      groupOf: ({ detail }) => detail.tenantId,
      handle: handleTogether,
    }),
  );
};

/** The jobs of a batch, one after the other. */
export const jobs = (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
  requireConfig("jobs");
  return nudgeAfterBatch(() => processBatch(event, context, JobPointer, (at) => as(at, () => work(at, context))));
};

/** One job: claimed with a lease, run outside of any transaction, its result recorded by the holder of the lease. */
async function work(at: z.output<typeof JobPointer>, context: Context): Promise<void> {
  const lease = Math.ceil(context.getRemainingTimeInMillis() / 1000) + 5;
  const job = await Job.claim(at.id, lease);
  if (!job) {
    if (!(await Job.exists(at.id))) throw new Discard("tenant_mismatch");
    return; // done, or held by another worker
  }
  if (job.status === "failed") {
    count("JobsFailed", 1, { job: job.name });
    log.error("job given up", { jobId: job.id, job: job.name, attempt: job.attempts });
    return;
  }
  const handler = jobHandlers.get(job.name);
  let note: Job.Note | undefined;
  try {
    if (!handler) throw new Discard("unknown_type");
    const payload = handler.job.schema.parse(job.payload);
    note = Job.noteOf(await handler.run(payload as never, { id: job.id }));
  } catch (error) {
    await Job.fail(job.id, job.attempts, reasonOf(error));
    count("JobsFailed", 1, { job: job.name });
    log.error("job failed", { error, jobId: job.id, job: job.name, attempt: job.attempts });
    return;
  }
  // Its work is done: when this cannot be noted, the job runs again after its lease, not at once.
  await Job.succeed(job.id, job.attempts, note);
  count("JobsSucceeded", 1, { job: job.name });
  log.info("job succeeded", { jobId: job.id, job: job.name, attempt: job.attempts });
}
