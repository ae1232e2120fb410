import { setTimeout as sleep } from "node:timers/promises";
import {
  DeleteMessageBatchCommand,
  type DeleteMessageBatchCommandOutput,
  type Message,
  ReceiveMessageCommand,
  type ReceiveMessageCommandOutput,
} from "@aws-sdk/client-sqs";
import type { SQSEvent, SQSMessageAttributes, SQSRecord } from "aws-lambda";
import type { Pool } from "./pool.js";

/** The event source mapping of one queue. */
export interface Poller {
  /** Batches in flight. */
  busy(): number;
  /** Stops receiving; resolves when the batches in flight are done. */
  pause(): Promise<void>;
  resume(): void;
  stop(): Promise<void>;
}

/** The calls of the SDK's client that a poller makes. */
export interface PollClient {
  send(command: ReceiveMessageCommand, options: { abortSignal: AbortSignal }): Promise<ReceiveMessageCommandOutput>;
  send(command: DeleteMessageBatchCommand): Promise<DeleteMessageBatchCommandOutput>;
}

export interface PollerOptions {
  /** Any implementation of SQS. */
  readonly client: PollClient;
  readonly queueUrl: string;
  readonly queueArn: string;
  readonly batchSize: number;
  /** Batches at the same time. */
  readonly maximumConcurrency: number;
  readonly pool: Pick<Pool, "invoke">;
  /** Receives errors of the queue, of a batch, and of deletions. */
  onError?(error: Error): void;
}

/** Milliseconds for batches in flight at the stop; later ones are redelivered. */
const grace = 2_000;

/** The SDK gives bytes; an SQS in this process gives the base64 of the wire. */
const toBase64 = (value: Uint8Array | string) =>
  typeof value === "string" ? value : Buffer.from(value).toString("base64");

const attributesOf = (message: Message): SQSMessageAttributes =>
  Object.fromEntries(
    Object.entries(message.MessageAttributes ?? {}).map(([name, { DataType = "String", StringValue, BinaryValue }]) => [
      name,
      {
        dataType: DataType,
        stringListValues: [],
        binaryListValues: [],
        ...(StringValue === undefined ? {} : { stringValue: StringValue }),
        ...(BinaryValue === undefined ? {} : { binaryValue: toBase64(BinaryValue) }),
      },
    ]),
  );

const recordOf = (message: Message, queueArn: string): SQSRecord => ({
  messageId: message.MessageId ?? "",
  receiptHandle: message.ReceiptHandle ?? "",
  body: message.Body ?? "",
  attributes: { ...message.Attributes } as unknown as SQSRecord["attributes"],
  messageAttributes: attributesOf(message),
  md5OfBody: message.MD5OfBody ?? "",
  eventSource: "aws:sqs",
  eventSourceARN: queueArn,
  awsRegion: queueArn.split(":")[3] ?? "us-east-1",
});

/** The event of a consumer. */
const toSqsEvent = (messages: readonly Message[], queueArn: string): SQSEvent => ({
  Records: messages.map((message) => recordOf(message, queueArn)),
});

/**
 * The messages that a consumer's answer reports as done. A missing, empty or foreign identifier fails
 * all of it (docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
 */
function succeeded(messages: readonly Message[], answer: unknown): readonly Message[] {
  const failures = (answer as { batchItemFailures?: unknown } | null | undefined)?.batchItemFailures ?? [];
  if (!Array.isArray(failures)) return [];
  const failed = new Set(failures.map((failure) => failure?.itemIdentifier));
  const known = new Set<unknown>(messages.map(({ MessageId }) => MessageId));
  for (const id of failed) if (!known.has(id)) return [];
  return messages.filter(({ MessageId }) => !failed.has(MessageId));
}

/** Polls a queue for one consumer. A failed message reappears after its visibility timeout, as on AWS. */
export const startPoller = (options: PollerOptions): Poller => new QueuePoller(options);

class QueuePoller implements Poller {
  readonly #underWay = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #receiving = new AbortController();
  #paused: { promise: Promise<void>; end(): void } | undefined;
  readonly #polling: Promise<void>;

  constructor(readonly options: PollerOptions) {
    this.#polling = this.#poll();
  }

  busy() {
    return this.#underWay.size;
  }

  async pause() {
    if (!this.#paused) {
      let end = () => {};
      const promise = new Promise<void>((resolve) => {
        end = resolve;
      });
      this.#paused = { promise, end };
      this.#receiving.abort();
      await sleep(20); // until the endpoint notices the abort, it may deliver a message to the closed poll
    }
    await Promise.all(this.#underWay);
  }

  resume() {
    this.#paused?.end();
    this.#paused = undefined;
  }

  async stop() {
    this.#stopping.abort();
    this.#receiving.abort();
    this.resume();
    await this.#polling;
    await Promise.race([Promise.all(this.#underWay), sleep(grace, undefined, { ref: false })]);
  }

  async #poll() {
    while (!this.#stopping.signal.aborted) {
      if (this.#paused) {
        await this.#paused.promise;
        continue;
      }
      const messages = await this.#receive();
      if (messages.length === 0) continue;
      const batch = this.#handle(messages).finally(() => this.#underWay.delete(batch));
      this.#underWay.add(batch);
      if (this.#underWay.size >= this.options.maximumConcurrency) await Promise.race(this.#underWay);
    }
  }

  async #receive(): Promise<Message[]> {
    const { client, queueUrl, batchSize } = this.options;
    this.#receiving = new AbortController();
    const { signal } = this.#receiving;
    const command = new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: batchSize,
      WaitTimeSeconds: 20,
      MessageSystemAttributeNames: ["All"],
      MessageAttributeNames: ["All"],
    });
    try {
      return (await client.send(command, { abortSignal: signal })).Messages ?? [];
    } catch (error) {
      if (signal.aborted) return [];
      this.options.onError?.(error as Error);
      await sleep(500, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      return [];
    }
  }

  async #handle(messages: readonly Message[]) {
    try {
      const answer = await this.options.pool.invoke(toSqsEvent(messages, this.options.queueArn));
      await this.#remove(succeeded(messages, answer));
    } catch (error) {
      this.options.onError?.(error as Error);
    }
  }

  async #remove(messages: readonly Message[]) {
    if (messages.length === 0) return;
    const { client, queueUrl: QueueUrl } = this.options;
    const Entries = messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    const { Failed = [] } = await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
    if (Failed.length > 0) throw new Error(`${Failed.length} messages could not be deleted: ${Failed[0]?.Message}`);
  }
}
