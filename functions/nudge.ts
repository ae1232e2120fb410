import { config } from "../core/kernel/config.js";
import { setNudge } from "../core/kernel/db.js";
import { GATHERING } from "../core/kernel/outbox.js";

/**
 * Milliseconds that a request may spend on waking the relay; the schedule does it when this fails. The first call of an
 * environment opens a connection.
 */
const budget = { first: 1_000, next: 200 };

let loaded: ReturnType<typeof load> | undefined;
/** The SDK is loaded with the first nudge: reads do without it. */
async function load() {
  const sdk = await import("@aws-sdk/client-sqs");
  return { ...sdk, client: new sdk.SQSClient({ maxAttempts: 1 }) };
}
function sqs() {
  loaded ??= load();
  return loaded;
}

/** Milliseconds by which a timer may fire early, and by which two clocks drift apart in that time. */
const MARGIN = 5;

let patience = budget.first;
/** When the last nudge left, which the queue has. */
let sentAt = Number.NEGATIVE_INFINITY;

/**
 * Wakes the relay, unless it is on its way and has not looked yet. Lost nudges cost a minute, never an event.
 */
export async function nudge(): Promise<void> {
  const now = Date.now();
  if (now >= sentAt && now < sentAt + GATHERING - MARGIN) return;
  sentAt = Number.NEGATIVE_INFINITY;
  const { client, SendMessageCommand } = await sqs();
  const message = new SendMessageCommand({ QueueUrl: config.NUDGE_QUEUE_URL, MessageBody: "{}" });
  await client.send(message, { abortSignal: AbortSignal.timeout(patience) }).then(
    () => {
      sentAt = now;
    },
    () => undefined,
  );
  patience = budget.next;
}

/** Wakes the relay after a commit that left events or jobs behind. */
export const nudgeAfterCommit = (): void => setNudge(nudge);

/** Wakes the relay once after a batch, if a commit of it left events or jobs behind. */
export async function nudgeAfterBatch<T>(run: () => Promise<T>): Promise<T> {
  let isWanted = false;
  setNudge(async () => {
    isWanted = true;
  });
  try {
    return await run();
  } finally {
    if (isWanted) await nudge();
  }
}

/** Whether the queue answers within a second. */
export async function reachable(): Promise<"ok" | "unreachable"> {
  const { client, GetQueueAttributesCommand } = await sqs();
  const ask = new GetQueueAttributesCommand({ QueueUrl: config.NUDGE_QUEUE_URL, AttributeNames: ["QueueArn"] });
  return client
    .send(ask, { abortSignal: AbortSignal.timeout(1_000) })
    .then(() => "ok" as const)
    .catch(() => "unreachable" as const);
}
