import { randomUUID } from "node:crypto";
import * as z from "zod";
import { AwsError, account, type Operation, operation } from "./aws-json.js";
import { unknownAttribute } from "./sqs-attributes.js";
import type { Broker } from "./sqs-broker.js";
import {
  Attributes,
  checkMessage,
  invalid,
  md5,
  md5OfAttributes,
  type Received,
  requireRange,
  sizeOf,
} from "./sqs-message.js";
import type { Queue } from "./sqs-queue.js";

const queueUrl = { QueueUrl: z.string() };
const integer = z.number().int().optional();
const names = z.array(z.string()).optional();
const receipt = { ReceiptHandle: z.string() };
const visibility = { ...receipt, VisibilityTimeout: z.number().int() };
const outgoing = {
  MessageBody: z.string(),
  DelaySeconds: integer,
  MessageAttributes: Attributes.nullish(),
  MessageSystemAttributes: Attributes.nullish(),
  MessageGroupId: z.string().nullish(),
  MessageDeduplicationId: z.string().nullish(),
};
type Outgoing = z.output<z.ZodObject<typeof outgoing>>;

const largestBatch = 1_048_576;
const simple = (code: string, message: string) => new AwsError(code, message, `AWS.SimpleQueueService.${code}`);

function checkBatch(entries: readonly { Id: string }[]) {
  if (entries.length === 0) throw simple("EmptyBatchRequest", "There should be at least one entry in the request.");
  if (entries.length > 10)
    throw simple(
      "TooManyEntriesInBatchRequest",
      `Maximum number of entries per request are 10. You have sent ${entries.length}.`,
    );
  const ids = new Set<string>();
  for (const { Id } of entries) {
    if (!/^[\w-]{1,80}$/.test(Id))
      throw simple(
        "InvalidBatchEntryId",
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
      );
    if (ids.has(Id)) throw simple("BatchEntryIdsNotDistinct", `Id ${Id} repeated.`);
    ids.add(Id);
  }
}

/** Runs a batch; an entry's error is answered for that entry. */
function eachOf<Entry extends { Id: string }>(entries: readonly Entry[], run: (entry: Entry) => object | undefined) {
  checkBatch(entries);
  const Successful: object[] = [];
  const Failed: object[] = [];
  for (const entry of entries) {
    try {
      Successful.push({ Id: entry.Id, ...run(entry) });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      Failed.push({ Id: entry.Id, SenderFault: true, Code: error.queryCode, Message: error.message });
    }
  }
  return { Successful, Failed };
}

export function send(broker: Broker, queue: Queue, input: Outgoing) {
  const attributes = input.MessageAttributes ?? {};
  const system = input.MessageSystemAttributes ?? {};
  const message = {
    id: randomUUID(),
    body: input.MessageBody,
    attributes,
    trace: system.AWSTraceHeader?.StringValue,
    group: input.MessageGroupId ?? undefined,
    sent: broker.clock.now(),
    receives: 0,
  };
  checkMessage(message, queue.number("MaximumMessageSize"));
  if (input.MessageDeduplicationId)
    throw invalid(
      `Value ${input.MessageDeduplicationId} for parameter MessageDeduplicationId is invalid. Reason: The request include parameter that is not valid for this queue type.`,
    );
  const delay = requireRange("DelaySeconds", input.DelaySeconds ?? queue.number("DelaySeconds"), 0, 900);
  queue.put(message, delay * 1000 + broker.chaos.delayMs);
  return {
    MessageId: message.id,
    MD5OfMessageBody: md5(message.body),
    MD5OfMessageAttributes: md5OfAttributes(attributes),
    MD5OfMessageSystemAttributes: md5OfAttributes(system),
  };
}

/** The system attributes of a received message. */
export function systemAttributes({ message }: Received): Record<string, string> {
  const all = {
    SenderId: account,
    SentTimestamp: String(message.sent),
    ApproximateReceiveCount: String(message.receives),
    ApproximateFirstReceiveTimestamp: String(message.firstReceived),
    MessageGroupId: message.group,
    AWSTraceHeader: message.trace,
    DeadLetterQueueSourceArn: message.source,
  };
  return Object.fromEntries(Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined));
}

const receivable = [
  "All",
  "SenderId",
  "SentTimestamp",
  "ApproximateReceiveCount",
  "ApproximateFirstReceiveTimestamp",
  "SequenceNumber",
  "MessageDeduplicationId",
  "MessageGroupId",
  "AWSTraceHeader",
  "DeadLetterQueueSourceArn",
];

function asWire(received: Received, system: readonly string[], wanted: readonly string[]) {
  const { handle, message } = received;
  const pick = <Value>(all: Record<string, Value>, keep: (name: string) => boolean) => {
    const some = Object.entries(all).filter(([name]) => keep(name));
    return some.length > 0 ? Object.fromEntries(some) : undefined;
  };
  const attributes = pick(message.attributes, (name) =>
    wanted.some(
      (want) => want === "All" || want === name || (want.endsWith(".*") && name.startsWith(want.slice(0, -2))),
    ),
  );
  return {
    MessageId: message.id,
    ReceiptHandle: handle,
    Body: message.body,
    MD5OfBody: md5(message.body),
    Attributes: pick(systemAttributes(received), (name) => system.includes("All") || system.includes(name)),
    MessageAttributes: attributes,
    MD5OfMessageAttributes: attributes && md5OfAttributes(attributes),
  };
}

const sending = (broker: Broker): Record<string, Operation> => ({
  SendMessage: operation({ ...queueUrl, ...outgoing }, (input) => send(broker, broker.find(input.QueueUrl), input)),

  SendMessageBatch: operation(
    { ...queueUrl, Entries: z.array(z.object({ Id: z.string(), ...outgoing })) },
    ({ QueueUrl, Entries }) => {
      const queue = broker.find(QueueUrl);
      const size = Entries.reduce((sum, entry) => sum + sizeOf(entry.MessageBody, entry.MessageAttributes ?? {}), 0);
      if (size > largestBatch)
        throw simple(
          "BatchRequestTooLong",
          `Batch requests cannot be longer than ${largestBatch} bytes. You have sent ${size} bytes.`,
        );
      return eachOf(Entries, (entry) => send(broker, queue, entry));
    },
  ),
});

const receiving = (broker: Broker): Record<string, Operation> => ({
  ReceiveMessage: operation(
    {
      ...queueUrl,
      MaxNumberOfMessages: integer,
      VisibilityTimeout: integer,
      WaitTimeSeconds: integer,
      AttributeNames: names,
      MessageSystemAttributeNames: names,
      MessageAttributeNames: names,
    },
    async (input, signal) => {
      const queue = broker.find(input.QueueUrl);
      const system = [...(input.AttributeNames ?? []), ...(input.MessageSystemAttributeNames ?? [])];
      const unknown = system.find((name) => !receivable.includes(name));
      if (unknown) throw unknownAttribute(unknown);
      const received = await queue.receive({
        max: requireRange("MaxNumberOfMessages", input.MaxNumberOfMessages ?? 1, 1, 10),
        visibility: input.VisibilityTimeout && requireRange("VisibilityTimeout", input.VisibilityTimeout, 0, 43_200),
        wait: requireRange(
          "WaitTimeSeconds",
          input.WaitTimeSeconds ?? queue.number("ReceiveMessageWaitTimeSeconds"),
          0,
          20,
        ),
        signal,
      });
      if (received.length === 0) return {};
      return { Messages: received.map((each) => asWire(each, system, input.MessageAttributeNames ?? [])) };
    },
  ),
});

function changeVisibility(queue: Queue, input: { ReceiptHandle: string; VisibilityTimeout: number }) {
  queue.changeVisibility(input.ReceiptHandle, requireRange("VisibilityTimeout", input.VisibilityTimeout, 0, 43_200));
  return undefined;
}

function remove(queue: Queue, input: { ReceiptHandle: string }) {
  queue.remove(input.ReceiptHandle);
  return undefined;
}

const settling = (broker: Broker): Record<string, Operation> => ({
  DeleteMessage: operation({ ...queueUrl, ...receipt }, (input) => remove(broker.find(input.QueueUrl), input)),

  DeleteMessageBatch: operation(
    { ...queueUrl, Entries: z.array(z.object({ Id: z.string(), ...receipt })) },
    ({ QueueUrl, Entries }) => {
      const queue = broker.find(QueueUrl);
      return eachOf(Entries, (entry) => remove(queue, entry));
    },
  ),

  ChangeMessageVisibility: operation({ ...queueUrl, ...visibility }, (input) =>
    changeVisibility(broker.find(input.QueueUrl), input),
  ),

  ChangeMessageVisibilityBatch: operation(
    { ...queueUrl, Entries: z.array(z.object({ Id: z.string(), ...visibility })) },
    ({ QueueUrl, Entries }) => {
      const queue = broker.find(QueueUrl);
      return eachOf(Entries, (entry) => changeVisibility(queue, entry));
    },
  ),
});

/** Operations on messages. */
export const messageOperations = (broker: Broker): Record<string, Operation> => ({
  ...sending(broker),
  ...receiving(broker),
  ...settling(broker),
});
