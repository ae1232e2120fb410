import {
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageCommand,
  type SendMessageCommandInput,
  SQSClient,
} from "@aws-sdk/client-sqs";
import { afterEach, beforeEach } from "vitest";
import { type Sqs, startSqs } from "../../../stacks/local/aws/sqs.js";
import { type Clock, createClock } from "../../../stacks/local/lambda/clock.js";

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

export const queues = [
  { name: "dead", retention: 14 * 86_400 },
  { name: "work", visibility: 30, retention: 4 * 86_400, redrive: { deadLetter: "dead", maxReceiveCount: 2 } },
];
export const minute = 60_000;
export let clock: Clock;
export let sqs: Sqs;
export let client: SQSClient;
export let url: string;

/** A fresh endpoint and a real client before each test of the file that imports this. */
beforeEach(async () => {
  clock = createClock();
  sqs = await startSqs({ clock, queues });
  client = new SQSClient({
    region: "us-east-1",
    endpoint: sqs.endpoint,
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
  url = sqs.url("work");
});

afterEach(async () => {
  client.destroy();
  await sqs.stop();
  clock.stop();
});

export const send = (input: Omit<SendMessageCommandInput, "QueueUrl">, QueueUrl = url) =>
  client.send(new SendMessageCommand({ QueueUrl, ...input }));

export async function receive(input: Partial<ReceiveMessageCommandInput> = {}) {
  const all = {
    MaxNumberOfMessages: 10,
    MessageSystemAttributeNames: ["All" as const],
    MessageAttributeNames: ["All"],
  };
  const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl: url, ...all, ...input }));
  return Messages;
}

export const bodies = (messages: { Body?: string | undefined }[]) => messages.map(({ Body }) => Body).sort();
