import type { Clock } from "../lambda/clock.js";
import { AwsError, account } from "./aws-json.js";
import { defaultAttributes, setAttributes } from "./sqs-attributes.js";
import type { Journal } from "./sqs-journal.js";
import { Queue } from "./sqs-queue.js";

export interface SqsChaos {
  /** Share (0..1) of messages that are delivered a second time, at once. */
  duplicate: number;
  /** Added to the delay of each message sent, on the clock. */
  delayMs: number;
  /** Receives take any of the first thousand instead of the oldest. */
  reorder: boolean;
  /** Share (0..1) of calls over HTTP that fail with 503. */
  fail: number;
}

/** Clock, chaos, journal and the other queues, for one queue. */
export interface QueueContext {
  readonly clock: Clock;
  readonly chaos: SqsChaos;
  readonly journal: Journal;
  byArn(arn: string): Queue | undefined;
}

export type Broker = ReturnType<typeof createBroker>;

const nonExistent = () =>
  new AwsError("QueueDoesNotExist", "The specified queue does not exist.", "AWS.SimpleQueueService.NonExistentQueue");

/** The queues of one account, found by URL or ARN. */
export function createBroker(context: Omit<QueueContext, "byArn">) {
  const queues = new Map<string, Queue>();
  const byArn = (arn: string) => queues.get(arn.split(":").at(-1) ?? "");
  const exists = (arn: string) => byArn(arn) !== undefined;

  function byName(name: string): Queue {
    const queue = queues.get(name);
    if (!queue) throw nonExistent();
    return queue;
  }

  function create(name: string, attributes: Readonly<Record<string, string>>): Queue {
    const all = defaultAttributes();
    setAttributes(all, attributes, exists);
    const queue = new Queue(name, all, { ...context, byArn });
    queues.set(name, queue);
    return queue;
  }

  function set(queue: Queue, attributes: Readonly<Record<string, string>>) {
    setAttributes(queue.attributes, attributes, exists);
    queue.modifiedAt = context.clock.now();
  }

  return {
    ...context,
    queues,
    /** Set when the server listens. */
    endpoint: "",
    url(name: string) {
      return `${this.endpoint}/${account}/${name}`;
    },
    /** Finds a queue by the last part of its URL; the host may be a proxy's. */
    find: (url: string) => byName(url.split("/").at(-1) ?? ""),
    byName,
    byArn,
    create,
    set,
  };
}
