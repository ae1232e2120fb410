import type { Clock } from "../lambda/clock.js";
import { startAwsJson } from "./aws-json.js";
import { messageOperations, send, systemAttributes } from "./sqs-actions.js";
import { queueOperations } from "./sqs-admin.js";
import { type Broker, createBroker, type SqsChaos } from "./sqs-broker.js";
import { noJournal, openJournal, readJournal } from "./sqs-journal.js";
import { type Attributes, md5, type Received, type ReceiveOptions } from "./sqs-message.js";

/** Seconds. */
export interface LocalQueue {
  readonly name: string;
  readonly visibility?: number;
  readonly retention?: number;
  /** `deadLetter`: the name of another queue. */
  readonly redrive?: { readonly deadLetter: string; readonly maxReceiveCount: number };
}

export interface SqsOptions {
  readonly clock: Clock;
  readonly port?: number;
  readonly queues: readonly LocalQueue[];
  /** Journal of the declared queues' messages, for the next start; queues created at run time are not kept. */
  readonly file?: string;
}

/** A received message as the poller needs it; the names are those of Lambda's `SQSRecord`. */
export interface LocalMessage {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly md5OfBody: string;
  readonly attributes: Record<string, string>;
  readonly messageAttributes: Attributes;
}

export type Sqs = Awaited<ReturnType<typeof startSqs>>;

const toLocal = (received: Received): LocalMessage => ({
  messageId: received.message.id,
  receiptHandle: received.handle,
  body: received.message.body,
  md5OfBody: md5(received.message.body),
  attributes: systemAttributes(received),
  messageAttributes: received.message.attributes,
});

function declare(broker: Broker, { name, visibility, retention }: LocalQueue) {
  broker.create(name, {
    ...(visibility !== undefined && { VisibilityTimeout: String(visibility) }),
    ...(retention !== undefined && { MessageRetentionPeriod: String(retention) }),
  });
}

function redrive(broker: Broker, { name, redrive }: LocalQueue) {
  if (!redrive) return;
  const deadLetterTargetArn = broker.byName(redrive.deadLetter).arn;
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: redrive.maxReceiveCount });
  broker.set(broker.byName(name), { RedrivePolicy });
}

/** Restores messages as visible, because their consumers ended with the last host, and caps times of its clock. */
function restore(broker: Broker, file: string) {
  const now = broker.clock.now();
  for (const { queue, message, due = 0 } of readJournal(file))
    broker.queues.get(queue)?.put({ ...message, sent: Math.min(message.sent, now) }, Math.min(due - now, 900_000));
}

/** An SQS endpoint for SDKs and CLI (AWS JSON 1.0) on the local clock, with access from this process. */
export async function startSqs({ clock, port, queues, file }: SqsOptions) {
  const chaos: SqsChaos = { duplicate: 0, delayMs: 0, reorder: false, fail: 0 };
  const journal = file ? openJournal(file) : noJournal;
  const broker = createBroker({ clock, chaos, journal });
  for (const queue of queues) declare(broker, queue);
  for (const queue of queues) redrive(broker, queue);
  if (file) restore(broker, file);
  journal.replace();
  const operations = { ...messageOperations(broker), ...queueOperations(broker) };
  const server = await startAwsJson(
    { prefix: "AmazonSQS", version: "1.0", namespace: "com.amazonaws.sqs", operations, chaos },
    port,
  );
  broker.endpoint = server.endpoint;
  let stopped = false;
  return {
    port: server.port,
    endpoint: server.endpoint,
    chaos,
    calls: server.calls,
    call: server.call,
    url: (name: string) => broker.url(name),
    arn: (name: string) => broker.byName(name).arn,
    inspect: () => [...broker.queues.values()].map((queue) => queue.inspect()),
    /** @throws AwsError of the endpoint */
    send(name: string, body: string, options: { group?: string; attributes?: Attributes } = {}) {
      const input = { MessageBody: body, MessageGroupId: options.group, MessageAttributes: options.attributes };
      return send(broker, broker.byName(name), input);
    },
    async receive(name: string, options: ReceiveOptions): Promise<LocalMessage[]> {
      return (await broker.byName(name).receive(options)).map(toLocal);
    },
    remove: (name: string, handle: string) => broker.byName(name).remove(handle),
    changeVisibility: (name: string, handle: string, seconds: number) =>
      broker.byName(name).changeVisibility(handle, seconds),
    purge: (name: string) => broker.byName(name).purge(),
    async stop() {
      if (stopped) return;
      stopped = true;
      for (const queue of broker.queues.values()) queue.close();
      await server.stop();
      journal.close();
    },
  };
}
