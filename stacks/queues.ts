import { capitalize } from "./name.js";
import { type QueueName, queueSettings } from "./topology.js";

const DEAD_LETTER_RETENTION = 14 * 86_400;

/** Where messages wait for a person: kept as long as SQS allows, since their age counts from the first send. */
export const deadLetterQueue = (name: string, retention = DEAD_LETTER_RETENTION) =>
  new sst.aws.Queue(name, {
    transform: { queue: { messageRetentionSeconds: retention, sqsManagedSseEnabled: true } },
  });

/** The only way to a queue with a consumer; SST's defaults (30 s, no dead letter) are not what AWS recommends. */
function consumerQueue(name: QueueName) {
  const { visibility, maxReceiveCount, retention, deadLetterRetention } = queueSettings(name);
  const title = capitalize(name);
  const deadLetter = deadLetterQueue(`${title}DeadLetter`, deadLetterRetention);
  const queue = new sst.aws.Queue(title, {
    visibilityTimeout: `${visibility} seconds`,
    dlq: { queue: deadLetter.arn, retry: maxReceiveCount },
    transform: { queue: { messageRetentionSeconds: retention, sqsManagedSseEnabled: true } },
  });
  return { queue, deadLetter };
}

export const queues = {
  nudge: consumerQueue("nudge"),
  events: consumerQueue("events"),
  jobs: consumerQueue("jobs"),
} satisfies Record<QueueName, unknown>;
