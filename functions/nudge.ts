import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { config } from "../core/kernel/config.js";
import { setNudge } from "../core/kernel/db.js";

/**
 * Milliseconds that a request may spend on waking the relay; the schedule does it when this fails. The first call of an
 * environment opens a connection.
 */
const budget = { first: 1_000, next: 200 };

let sqs: SQSClient | undefined;
const client = () => {
  sqs ??= new SQSClient({ maxAttempts: 1 });
  return sqs;
};

let patience = budget.first;
/** Wakes the relay. Lost nudges cost a minute, never an event. */
export async function nudge(): Promise<void> {
  const message = new SendMessageCommand({ QueueUrl: config.NUDGE_QUEUE_URL, MessageBody: "{}" });
  await client()
    .send(message, { abortSignal: AbortSignal.timeout(patience) })
    .catch(() => undefined);
  patience = budget.next;
}

/** Wakes the relay after a commit that left events or jobs behind. */
export const nudgeAfterCommit = (): void => setNudge(nudge);

/** Whether the queue answers within a second. */
export async function reachable(): Promise<"ok" | "unreachable"> {
  const ask = new GetQueueAttributesCommand({ QueueUrl: config.NUDGE_QUEUE_URL, AttributeNames: ["QueueArn"] });
  return client()
    .send(ask, { abortSignal: AbortSignal.timeout(1_000) })
    .then(() => "ok" as const)
    .catch(() => "unreachable" as const);
}
