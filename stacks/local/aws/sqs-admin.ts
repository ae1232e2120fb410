import * as z from "zod";
import { AwsError, type Operation, operation } from "./aws-json.js";
import { defaultAttributes, getAttributes, setAttributes } from "./sqs-attributes.js";
import type { Broker } from "./sqs-broker.js";
import { invalid } from "./sqs-message.js";
import type { Queue } from "./sqs-queue.js";

const queueUrl = { QueueUrl: z.string() };
const pairs = z.record(z.string(), z.string());
const page = { MaxResults: z.number().int().min(1).max(1000).nullish(), NextToken: z.string().nullish() };
/** AWS requires a minute after a queue's deletion and between purges; milliseconds. */
const minute = 60_000;

function paged(broker: Broker, queues: Queue[], { MaxResults, NextToken }: z.output<z.ZodObject<typeof page>>) {
  const start = NextToken ? Number(Buffer.from(NextToken, "base64url").toString()) : 0;
  const end = start + (MaxResults ?? 1000);
  const more = MaxResults && end < queues.length;
  return {
    urls: queues.slice(start, end).map(({ name }) => broker.url(name)),
    NextToken: more ? Buffer.from(String(end)).toString("base64url") : undefined,
  };
}

function createQueue(broker: Broker, deleted: Map<string, number>, name: string, attributes: Record<string, string>) {
  if (name.endsWith(".fifo") || attributes.FifoQueue)
    throw new AwsError(
      "UnsupportedOperation",
      "FIFO queues are not here.",
      "AWS.SimpleQueueService.UnsupportedOperation",
    );
  if (!/^[\w-]{1,80}$/.test(name))
    throw invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length");
  if (broker.clock.now() - (deleted.get(name) ?? Number.NEGATIVE_INFINITY) < minute)
    throw new AwsError(
      "QueueDeletedRecently",
      "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
      "AWS.SimpleQueueService.QueueDeletedRecently",
    );
  const present = broker.queues.get(name);
  if (!present) return broker.create(name, attributes);
  const wanted = defaultAttributes();
  setAttributes(wanted, attributes, (arn) => broker.byArn(arn) !== undefined);
  const different = Object.keys(attributes).find((key) => wanted.get(key) !== present.attributes.get(key));
  if (different)
    throw new AwsError(
      "QueueNameExists",
      `A queue already exists with the same name and a different value for attribute ${different}`,
      "QueueAlreadyExists",
    );
  return present;
}

const lifecycle = (broker: Broker, deleted = new Map<string, number>()): Record<string, Operation> => ({
  CreateQueue: operation(
    { QueueName: z.string(), Attributes: pairs.nullish(), tags: pairs.nullish() },
    ({ QueueName, Attributes, tags }) => {
      const queue = createQueue(broker, deleted, QueueName, Attributes ?? {});
      for (const [key, value] of Object.entries(tags ?? {})) queue.tags.set(key, value);
      return { QueueUrl: broker.url(queue.name) };
    },
  ),

  DeleteQueue: operation(queueUrl, ({ QueueUrl }) => {
    const queue = broker.find(QueueUrl);
    queue.purge();
    queue.close();
    broker.queues.delete(queue.name);
    deleted.set(queue.name, broker.clock.now());
  }),

  PurgeQueue: operation(queueUrl, ({ QueueUrl }) => {
    const queue = broker.find(QueueUrl);
    if (broker.clock.now() - queue.purgedAt < minute)
      throw new AwsError(
        "PurgeQueueInProgress",
        `Only one PurgeQueue operation on ${queue.name} is allowed every 60 seconds.`,
        "AWS.SimpleQueueService.PurgeQueueInProgress",
      );
    queue.purgedAt = broker.clock.now();
    queue.purge();
  }),
});

const lookup = (broker: Broker): Record<string, Operation> => ({
  GetQueueUrl: operation({ QueueName: z.string() }, ({ QueueName }) => ({
    QueueUrl: broker.url(broker.byName(QueueName).name),
  })),

  ListQueues: operation({ QueueNamePrefix: z.string().nullish(), ...page }, (input) => {
    const named = [...broker.queues.values()].filter(({ name }) => name.startsWith(input.QueueNamePrefix ?? ""));
    const { urls, NextToken } = paged(broker, named, input);
    return { QueueUrls: urls, NextToken };
  }),

  ListDeadLetterSourceQueues: operation({ ...queueUrl, ...page }, (input) => {
    const { arn } = broker.find(input.QueueUrl);
    const sources = [...broker.queues.values()].filter((queue) => queue.redrive()?.deadLetterTargetArn === arn);
    const { urls, NextToken } = paged(broker, sources, input);
    return { queueUrls: urls, NextToken };
  }),
});

const settings = (broker: Broker): Record<string, Operation> => ({
  GetQueueAttributes: operation(
    { ...queueUrl, AttributeNames: z.array(z.string()).nullish() },
    ({ QueueUrl, AttributeNames }) => {
      const queue = broker.find(QueueUrl);
      return AttributeNames?.length ? { Attributes: getAttributes(queue, AttributeNames) } : {};
    },
  ),

  SetQueueAttributes: operation({ ...queueUrl, Attributes: pairs }, ({ QueueUrl, Attributes }) =>
    broker.set(broker.find(QueueUrl), Attributes),
  ),

  TagQueue: operation({ ...queueUrl, Tags: pairs }, ({ QueueUrl, Tags }) => {
    const { tags } = broker.find(QueueUrl);
    for (const [key, value] of Object.entries(Tags)) tags.set(key, value);
  }),

  UntagQueue: operation({ ...queueUrl, TagKeys: z.array(z.string()) }, ({ QueueUrl, TagKeys }) => {
    const { tags } = broker.find(QueueUrl);
    for (const key of TagKeys) tags.delete(key);
  }),

  ListQueueTags: operation(queueUrl, ({ QueueUrl }) => ({ Tags: Object.fromEntries(broker.find(QueueUrl).tags) })),
});

/** Operations on queues. */
export const queueOperations = (broker: Broker): Record<string, Operation> => ({
  ...lifecycle(broker),
  ...lookup(broker),
  ...settings(broker),
});
