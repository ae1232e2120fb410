import { setTimeout as sleep } from "node:timers/promises";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { Context, SQSEvent } from "aws-lambda";
import { config, requireConfig } from "../core/kernel/config.js";
import { type Pointer, type Refusal, type Round, type Send, sendNext } from "../core/kernel/event/relay.js";
import { GATHERING } from "../core/kernel/outbox.js";
import { log, measure } from "./log.js";

requireConfig("relay");

const options = {
  maxAttempts: 2,
  requestHandler: { requestTimeout: 4_000, connectionTimeout: 1_000, throwOnRequestTimeout: true },
};
const bus = new EventBridgeClient(options);
const sqs = new SQSClient(options);

/** Both services take ten entries at a time and answer for each of them. */
const ENTRIES = 10;
/** Milliseconds that are left for the last round. */
const RESERVE = 15_000;

/** Sends chunks side by side; a chunk that fails as a whole fails each of its entries, and none of the others. */
async function inChunks(
  pointers: readonly Pointer[],
  send: (chunk: readonly Pointer[]) => Promise<[string, Refusal][]>,
) {
  const chunks = Array.from({ length: Math.ceil(pointers.length / ENTRIES) }, (_, i) =>
    pointers.slice(i * ENTRIES, (i + 1) * ENTRIES),
  );
  const refused = await Promise.all(
    chunks.map((chunk) =>
      send(chunk).catch((error: Error): [string, Refusal][] =>
        chunk.map(({ id }) => [id, { reason: error.name, countsAsAttempt: false }]),
      ),
    ),
  );
  return new Map(refused.flat());
}

/** Throttling and faults of the service say nothing about the entry. */
const refusal = (code = "NoAnswer"): Refusal => ({
  reason: code,
  countsAsAttempt: !/Throttl|Internal|Unavailable|NoAnswer/i.test(code),
});

const toBus: Send = (pointers) =>
  inChunks(pointers, async (chunk) => {
    const { Entries = [] } = await bus.send(
      new PutEventsCommand({
        Entries: chunk.map(({ tenantId, id, type, requestId, traceparent }) => ({
          EventBusName: config.BUS_NAME,
          Source: "stoa",
          DetailType: type,
          Detail: JSON.stringify({ tenantId, id, type, requestId, ...(traceparent && { traceparent }) }),
        })),
      }),
    );
    return chunk.flatMap(({ id }, i) => (Entries[i]?.EventId ? [] : [[id, refusal(Entries[i]?.ErrorCode)]]));
  });

const toJobs: Send = (pointers) =>
  inChunks(pointers, async (chunk) => {
    const { Failed = [], Successful = [] } = await sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: config.JOBS_QUEUE_URL,
        Entries: chunk.map(({ tenantId, id, type, requestId, traceparent }, i) => ({
          Id: String(i),
          MessageBody: JSON.stringify({ tenantId, id, type, requestId, ...(traceparent && { traceparent }) }),
          MessageGroupId: tenantId, // a fair queue: a loud tenant does not delay a quiet one
        })),
      }),
    );
    const accepted = new Set(Successful.map(({ Id }) => Id));
    const codes = new Map(Failed.map(({ Id, Code }) => [Id, Code ?? "Failed"]));
    return chunk.flatMap(({ id }, i) => (accepted.has(String(i)) ? [] : [[id, refusal(codes.get(String(i)))]]));
  });

/**
 * Empties the outbox and sends due jobs; woken by a nudge after commit and by the schedule. A nudge comes before others:
 * their commits are waited for, so that one round takes all of them.
 */
export async function handler(
  event: Partial<SQSEvent>,
  context: Pick<Context, "getRemainingTimeInMillis">,
): Promise<void> {
  if (event.Records) await sleep(GATHERING);
  const totals = { events: 0, jobs: 0, failed: 0 };
  for (;;) {
    const { events, jobs, failed, isFull, lag } = await sendNext(toBus, toJobs);
    totals.events += events;
    totals.jobs += jobs;
    totals.failed += failed;
    if (isFull && events + jobs > 0 && context.getRemainingTimeInMillis() > RESERVE) continue;
    return report(totals, lag);
  }
}

function report(totals: Record<"events" | "jobs" | "failed", number>, { pending, dead, oldest }: Round["lag"]): void {
  measure({
    RelayRuns: [1, "Count"],
    ...(totals.events > 0 && { EventsPublished: [totals.events, "Count"] }),
    ...(totals.failed > 0 && { PublishFailures: [totals.failed, "Count"] }),
    OutboxOldestAge: [oldest, "Seconds"],
    OutboxPending: [pending, "Count"],
    ...(dead > 0 && { OutboxDead: [dead, "Count"] }),
  });
  log.info("relayed", { ...totals, pending, dead, oldest });
}
