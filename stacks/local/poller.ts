import { setTimeout as sleep } from "node:timers/promises";
import { DeleteMessageBatchCommand, type Message, ReceiveMessageCommand, type SQSClient } from "@aws-sdk/client-sqs";
import type { SQSEvent, SQSMessageAttributes, SQSRecord } from "aws-lambda";
import type { Pool } from "./pool.js";

/** What Lambda's event source mapping does for one queue. */
export interface Poller {
  /** Batches under way. */
  busy(): number;
  /** Takes no more messages; resolves when the batches under way are done. */
  pause(): Promise<void>;
  resume(): void;
  stop(): Promise<void>;
}

export interface PollerOptions {
  /** Any implementation of SQS. */
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly queueArn: string;
  readonly batchSize: number;
  /** Batches at the same time. */
  readonly maximumConcurrency: number;
  readonly pool: Pick<Pool, "invoke">;
  /** Hears of a queue that does not answer, and of messages that could not be deleted. */
  onError?(error: Error): void;
}

/** Milliseconds that a batch under way gets at the end; then its messages come again. */
const grace = 2_000;

const attributesOf = (message: Message): SQSMessageAttributes =>
  Object.fromEntries(
    Object.entries(message.MessageAttributes ?? {}).map(([name, { DataType = "String", StringValue, BinaryValue }]) => [
      name,
      {
        dataType: DataType,
        stringListValues: [],
        binaryListValues: [],
        ...(StringValue === undefined ? {} : { stringValue: StringValue }),
        ...(BinaryValue === undefined ? {} : { binaryValue: Buffer.from(BinaryValue).toString("base64") }),
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

/** What a consumer would be called with. */
export const toSqsEvent = (messages: readonly Message[], queueArn: string): SQSEvent => ({
  Records: messages.map((message) => recordOf(message, queueArn)),
});

/**
 * The messages that a consumer's answer calls done. An identifier that is missing, empty or not of this batch fails
 * all of it (docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
 */
export function succeeded(messages: readonly Message[], answer: unknown): readonly Message[] {
  const failures = (answer as { batchItemFailures?: unknown } | null | undefined)?.batchItemFailures ?? [];
  if (!Array.isArray(failures)) return [];
  const failed = new Set(failures.map((failure) => failure?.itemIdentifier));
  const known = new Set<unknown>(messages.map(({ MessageId }) => MessageId));
  for (const id of failed) if (!known.has(id)) return [];
  return messages.filter(({ MessageId }) => !failed.has(MessageId));
}

/** Polls a queue for one consumer. What fails is left alone until its visibility timeout, as on AWS. */
export function startPoller(options: PollerOptions): Poller {
  const { client, queueUrl, queueArn, batchSize, maximumConcurrency, pool } = options;
  const underWay = new Set<Promise<void>>();
  const stopping = new AbortController();
  let receiving = new AbortController();
  let paused: { promise: Promise<void>; end(): void } | undefined;

  async function remove(messages: readonly Message[]) {
    if (messages.length === 0) return;
    const Entries = messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    const { Failed = [] } = await client.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
    if (Failed.length > 0) throw new Error(`${Failed.length} messages could not be deleted: ${Failed[0]?.Message}`);
  }

  async function handle(messages: readonly Message[]) {
    try {
      const answer = await pool.invoke(toSqsEvent(messages, queueArn));
      await remove(succeeded(messages, answer));
    } catch (error) {
      options.onError?.(error as Error);
    }
  }

  async function receive(): Promise<Message[]> {
    receiving = new AbortController();
    const command = new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: batchSize,
      WaitTimeSeconds: 20,
      MessageSystemAttributeNames: ["All"],
      MessageAttributeNames: ["All"],
    });
    try {
      return (await client.send(command, { abortSignal: receiving.signal })).Messages ?? [];
    } catch (error) {
      if (receiving.signal.aborted) return [];
      options.onError?.(error as Error);
      await sleep(500, undefined, { signal: stopping.signal }).catch(() => undefined);
      return [];
    }
  }

  async function poll() {
    while (!stopping.signal.aborted) {
      if (paused) {
        await paused.promise;
        continue;
      }
      const messages = await receive();
      if (messages.length === 0) continue;
      const batch = handle(messages).finally(() => underWay.delete(batch));
      underWay.add(batch);
      if (underWay.size >= maximumConcurrency) await Promise.race(underWay);
    }
  }
  const polling = poll();

  async function pause() {
    if (!paused) {
      let end = () => {};
      const promise = new Promise<void>((resolve) => {
        end = resolve;
      });
      paused = { promise, end };
      receiving.abort();
      await sleep(20); // until the endpoint has noticed, it may give a message to nobody
    }
    await Promise.all(underWay);
  }

  function resume() {
    paused?.end();
    paused = undefined;
  }

  return {
    busy: () => underWay.size,
    pause,
    resume,
    async stop() {
      stopping.abort();
      receiving.abort();
      resume();
      await polling;
      await Promise.race([Promise.all(underWay), sleep(grace, undefined, { ref: false })]);
    },
  };
}
