import { join } from "node:path";
import {
  CreateEventBusCommand,
  DescribeEventBusCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
} from "@aws-sdk/client-eventbridge";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type QueueAttributeName,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { bus, type QueueName, queueSettings, queues } from "../../topology.js";
import type { Clock } from "../lambda/clock.js";
import type { PollClient } from "../lambda/poller.js";
import { type EventBridge, type EventBridgeOptions, startEventBridge } from "./eventbridge.js";
import { type Sqs, startSqs } from "./sqs.js";

export const busName = "stoa";
export const deadLetterOf = (name: string) => `${name}-dead`;
export const queueNames = Object.keys(queues) as QueueName[];

export interface Endpoints {
  readonly sqsUrl: string;
  readonly eventBridgeUrl: string;
  readonly client: SQSClient;
  /** What pollers use: the local SQS without HTTP, which cost more than the rest of a poll. */
  readonly pollClient: PollClient;
  /** None with an external implementation. */
  readonly sqs: Sqs | undefined;
  readonly bus: EventBridge | undefined;
  /** By the queue's name, dead letters included. */
  readonly queues: ReadonlyMap<string, { url: string; arn: string }>;
  /** Counts of a queue's messages, without its dead letters. */
  depth(name: string): Promise<{ visible: number; inFlight: number; delayed: number }>;
  /** Sends the dead letters of a queue back to it as new messages; answers how many. */
  redrive(name: QueueName): Promise<number>;
  stop(): Promise<void>;
}

export interface EndpointOptions {
  readonly clock: Clock;
  /** Folder of the journal, for the next start. */
  readonly dir?: string;
  readonly ports?: { sqs?: number; eventbridge?: number };
  /** Endpoints of other implementations. */
  readonly external?: { sqs?: string | undefined; eventbridge?: string | undefined };
}

// The SDK's notice about Node versions would appear at each start.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";
const identity = { region: "us-east-1", credentials: { accessKeyId: "local", secretAccessKey: "local" } };

/** Starts on the preferred port, or on a free one when that is in use. */
export async function onPort<Started>(
  port: number | undefined,
  start: (port: number) => Promise<Started>,
): Promise<Started> {
  if (!port) return start(0);
  return start(port).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EADDRINUSE") throw error;
    return start(0);
  });
}

/** Each queue of the topology after its dead letter. */
const declared = queueNames.flatMap((name) => {
  const { visibility, retention, deadLetterRetention, maxReceiveCount } = queueSettings(name);
  const deadLetter = deadLetterOf(name);
  return [
    { name: deadLetter, retention: deadLetterRetention },
    { name, visibility, retention, redrive: { deadLetter, maxReceiveCount } },
  ];
});

async function createQueues(client: SQSClient) {
  const found = new Map<string, { url: string; arn: string }>();
  for (const { name, visibility, retention, redrive } of declared) {
    const deadLetterTargetArn = redrive && found.get(redrive.deadLetter)?.arn;
    const Attributes: Partial<Record<QueueAttributeName, string>> = {
      MessageRetentionPeriod: String(retention),
      ...(visibility && { VisibilityTimeout: String(visibility) }),
      ...(redrive && {
        RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: redrive.maxReceiveCount }),
      }),
    };
    const { QueueUrl = "" } = await client.send(new CreateQueueCommand({ QueueName: name, Attributes }));
    const read = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["QueueArn"] });
    found.set(name, { url: QueueUrl, arn: (await client.send(read)).Attributes?.QueueArn ?? "" });
  }
  return found;
}

async function createBus(endpoint: string, found: ReadonlyMap<string, { arn: string }>) {
  const client = new EventBridgeClient({ ...identity, endpoint });
  try {
    await client
      .send(new DescribeEventBusCommand({ Name: busName }))
      .catch(() => client.send(new CreateEventBusCommand({ Name: busName })));
    const rule = { Name: "all", EventBusName: busName, EventPattern: JSON.stringify(bus.rule.pattern) };
    await client.send(new PutRuleCommand(rule));
    const { queue } = bus.rule;
    const DeadLetterConfig = { Arn: found.get(deadLetterOf(queue))?.arn };
    const target = { Id: queue, Arn: found.get(queue)?.arn, DeadLetterConfig };
    await client.send(new PutTargetsCommand({ Rule: rule.Name, EventBusName: busName, Targets: [target] }));
  } finally {
    client.destroy();
  }
}

type Queues = Endpoints["queues"];

/** The local bus, which delivers to the local queues or to those of another implementation. */
function startBus({ clock, ports }: EndpointOptions, sqs: Sqs | undefined, client: SQSClient, found: Queues) {
  const { pattern, queue } = bus.rule;
  const rules = [{ name: "all", pattern, queue, deadLetter: deadLetterOf(queue) }];
  const deliver: EventBridgeOptions["deliver"] = (name, body, { group, attributes }) =>
    sqs
      ? sqs.send(name, body, { ...(group && { group }), ...(attributes && { attributes }) })
      : client.send(new SendMessageCommand({ QueueUrl: found.get(name)?.url, MessageBody: body }));
  return onPort(ports?.eventbridge, (port) => startEventBridge({ clock, port, bus: busName, rules, deliver }));
}

/** The part of the SDK's client that pollers use, for a queue in this process. */
const clientOf = (sqs: Sqs): PollClient => ({
  send: (command: { input: object }, options?: { abortSignal: AbortSignal }) =>
    sqs.call(command.constructor.name.replace("Command", ""), command.input, options?.abortSignal) as never,
});

async function depthAt(client: SQSClient, QueueUrl: string | undefined) {
  const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] });
  const { Attributes = {} } = await client.send(command);
  return {
    visible: Number(Attributes.ApproximateNumberOfMessages ?? 0),
    inFlight: Number(Attributes.ApproximateNumberOfMessagesNotVisible ?? 0),
    delayed: Number(Attributes.ApproximateNumberOfMessagesDelayed ?? 0),
  };
}

async function redrive(client: SQSClient, from: string | undefined, to: string | undefined): Promise<number> {
  const receive = new ReceiveMessageCommand({
    QueueUrl: from,
    MaxNumberOfMessages: 10,
    MessageSystemAttributeNames: ["MessageGroupId"],
    MessageAttributeNames: ["All"],
  });
  for (let moved = 0; ; ) {
    const { Messages = [] } = await client.send(receive);
    if (Messages.length === 0) return moved;
    for (const { Body: MessageBody, Attributes, MessageAttributes, ReceiptHandle } of Messages) {
      const message = { MessageBody, MessageAttributes, MessageGroupId: Attributes?.MessageGroupId };
      await client.send(new SendMessageCommand({ QueueUrl: to, ...message }));
      await client.send(new DeleteMessageCommand({ QueueUrl: from, ReceiptHandle }));
      moved += 1;
    }
  }
}

/** Starts queues and bus of the topology, or creates them at another implementation. */
export async function startEndpoints(options: EndpointOptions): Promise<Endpoints> {
  const { clock, dir, ports, external } = options;
  const file = dir === undefined ? {} : { file: join(dir, "queues.jsonl") };
  const sqs = external?.sqs
    ? undefined
    : await onPort(ports?.sqs, (port) => startSqs({ clock, port, queues: declared, ...file }));
  const sqsUrl = sqs?.endpoint ?? external?.sqs ?? "";
  const client = new SQSClient({ ...identity, endpoint: sqsUrl, maxAttempts: 2 });
  const found: Queues = sqs
    ? new Map(declared.map(({ name }) => [name, { url: sqs.url(name), arn: sqs.arn(name) }]))
    : await createQueues(client);
  const eventBridge = external?.eventbridge ? undefined : await startBus(options, sqs, client, found);
  if (external?.eventbridge) await createBus(external.eventbridge, found);
  return {
    sqsUrl,
    eventBridgeUrl: eventBridge?.endpoint ?? external?.eventbridge ?? "",
    client,
    pollClient: sqs ? clientOf(sqs) : client,
    sqs,
    bus: eventBridge,
    queues: found,
    depth: async (name) => sqs?.inspect().find((queue) => queue.name === name) ?? depthAt(client, found.get(name)?.url),
    redrive: (name) => redrive(client, found.get(deadLetterOf(name))?.url, found.get(name)?.url),
    async stop() {
      client.destroy();
      await eventBridge?.stop();
      await sqs?.stop();
    },
  };
}
