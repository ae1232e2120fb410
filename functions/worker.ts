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
import { nudgeAfterCommit } from "./nudge.js";

nudgeAfterCommit();
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

/** All subscribers of one event, each in a transaction of its own with its inbox row. */
export const events = (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
  requireConfig("events");
  return processBatch(event, context, Envelope, async ({ detail }) => {
    await as(detail, async () => {
      const happened = await Event.find(detail.id);
      if (!happened || happened.type !== detail.type) throw new Discard("tenant_mismatch");
      const interested = subscribers.filter((subscriber) => subscriber.event.type === happened.type);
      const failed: unknown[] = [];
      for (const subscriber of interested) {
        const done = await Event.handleOnce(subscriber, happened).catch(
          (error: unknown) => failed.push(error) && undefined,
        );
        if (done !== undefined) count(done ? "EventsHandled" : "DuplicatesDropped", 1, { subscriber: subscriber.name });
        if (done) log.info("event handled", { eventId: happened.id, type: happened.type, subscriber: subscriber.name });
      }
      if (failed.length > 0) throw failed[0];
    });
  });
};

/** One job: claimed with a lease, run outside of any transaction, its result recorded by the holder of the lease. */
export const jobs = (event: SQSEvent, context: Context): Promise<SQSBatchResponse> => {
  requireConfig("jobs");
  return processBatch(event, context, JobPointer, async (at) => {
    await as(at, async () => {
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
      try {
        if (!handler) throw new Discard("unknown_type");
        const payload = handler.job.schema.parse(job.payload);
        await handler.run(payload as never, { id: job.id });
      } catch (error) {
        await Job.fail(job.id, job.attempts, reasonOf(error));
        count("JobsFailed", 1, { job: job.name });
        log.error("job failed", { error, jobId: job.id, job: job.name, attempt: job.attempts });
        return;
      }
      // Its work is done: when this cannot be noted, the job runs again after its lease, not at once.
      await Job.succeed(job.id, job.attempts);
      count("JobsSucceeded", 1, { job: job.name });
      log.info("job succeeded", { jobId: job.id, job: job.name, attempt: job.attempts });
    });
  });
};
