import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { SQSBatchResponse, SQSEvent } from "aws-lambda";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Sqs, startSqs } from "../../../stacks/local/aws/sqs.js";
import { type Clock, createClock } from "../../../stacks/local/lambda/clock.js";
import { type Poller, startPoller } from "../../../stacks/local/lambda/poller.js";

let clock: Clock;
let sqs: Sqs;
let client: SQSClient;
let poller: Poller;
let events: SQSEvent[];
let errors: string[];

beforeEach(async () => {
  clock = createClock();
  const redrive = { deadLetter: "work-dead", maxReceiveCount: 2 };
  sqs = await startSqs({ clock, queues: [{ name: "work-dead" }, { name: "work", visibility: 180, redrive }] });
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  client = new SQSClient({ endpoint: sqs.endpoint, region: "us-east-1", credentials });
  events = [];
  errors = [];
});

afterEach(async () => {
  await poller.stop();
  client.destroy();
  await sqs.stop();
  clock.stop();
});

type Consumer = (event: SQSEvent) => unknown;

function start(consume: Consumer, { batchSize = 10, maximumConcurrency = 2 } = {}) {
  poller = startPoller({
    client,
    queueUrl: sqs.url("work"),
    queueArn: sqs.arn("work"),
    batchSize,
    maximumConcurrency,
    pool: {
      async invoke(event) {
        events.push(event as SQSEvent);
        return consume(event as SQSEvent);
      },
    },
    onError: ({ message }) => errors.push(message),
  });
}

const bodies = () => events.flatMap(({ Records }) => Records.map(({ body }) => body));
const send = (...texts: string[]) => {
  for (const text of texts) sqs.send("work", text);
};
const state = () => sqs.inspect().find(({ name }) => name === "work");
const left = () => (state()?.visible ?? 0) + (state()?.inFlight ?? 0);
const dead = () =>
  sqs
    .inspect()
    .find(({ name }) => name === "work-dead")
    ?.messages.map(({ body }) => body);

test("hands over a message as Lambda does and deletes it", async () => {
  start(() => undefined);
  const { MessageId } = await client.send(
    new SendMessageCommand({
      QueueUrl: sqs.url("work"),
      MessageBody: "one",
      MessageGroupId: "tenant",
      MessageAttributes: { kind: { DataType: "String", StringValue: "x" } },
    }),
  );
  await expect.poll(() => events.length, { interval: 5 }).toBe(1);
  expect(events[0]?.Records).toEqual([
    {
      messageId: MessageId,
      receiptHandle: expect.any(String),
      body: "one",
      md5OfBody: "f97c5d29941bfb1b2fdab0874906ab82",
      attributes: expect.objectContaining({ ApproximateReceiveCount: "1", MessageGroupId: "tenant" }),
      messageAttributes: { kind: { dataType: "String", stringValue: "x", stringListValues: [], binaryListValues: [] } },
      eventSource: "aws:sqs",
      eventSourceARN: sqs.arn("work"),
      awsRegion: "us-east-1",
    },
  ]);
  await expect.poll(left).toBe(0);
});

const failing =
  (...failed: string[]): Consumer =>
  ({ Records }): SQSBatchResponse => ({
    batchItemFailures: Records.filter(({ body }) => failed.includes(body)).map(({ messageId }) => ({
      itemIdentifier: messageId,
    })),
  });

test("what fails comes again after its visibility timeout, then becomes a dead letter; the rest is done", async () => {
  start(failing("bad"));
  send("good", "bad", "fine");
  await expect.poll(left).toBe(1);
  await clock.advance(179_000);
  expect(bodies().filter((body) => body === "bad")).toHaveLength(1);
  await clock.advance(1_000);
  await expect.poll(() => bodies().filter((body) => body === "bad").length).toBe(2);
  await clock.advance(180_000);
  await expect.poll(dead).toEqual(["bad"]);
  expect(bodies().toSorted()).toEqual(["bad", "bad", "fine", "good"]);
});

test.each<[string, Consumer]>([
  ["throws", () => Promise.reject(new Error("broken"))],
  ["names an empty identifier", () => ({ batchItemFailures: [{ itemIdentifier: "" }] })],
  ["names null", () => ({ batchItemFailures: [{ itemIdentifier: null }] })],
  ["uses another key", ({ Records }) => ({ batchItemFailures: [{ id: Records[0]?.messageId }] })],
  ["names a message of another batch", () => ({ batchItemFailures: [{ itemIdentifier: "unknown" }] })],
  ["answers no list", () => ({ batchItemFailures: "none" })],
])("a consumer that %s fails its whole batch", async (_, consume) => {
  send("one", "two");
  start(consume);
  await expect.poll(bodies).toHaveLength(2);
  await expect.poll(() => poller.busy()).toBe(0);
  expect(left()).toBe(2);
});

test.each<[string, Consumer]>([
  ["nothing", () => undefined],
  ["null", () => null],
  ["an empty object", () => ({})],
  ["an empty list", () => ({ batchItemFailures: [] })],
  ["null for the list", () => ({ batchItemFailures: null })],
])("a consumer that answers %s is done with its batch", async (_, consume) => {
  send("one", "two");
  start(consume);
  await expect.poll(left).toBe(0);
});

test("so many batches at once, and no more", async () => {
  let running = 0;
  let most = 0;
  send(...Array.from({ length: 12 }, (_, index) => String(index)));
  start(
    async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 30));
      running -= 1;
    },
    { batchSize: 1, maximumConcurrency: 3 },
  );
  await expect.poll(left).toBe(0);
  expect(most).toBe(3);
});

test("while paused nothing is taken", async () => {
  start(() => undefined);
  await poller.pause();
  send("one");
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(events).toEqual([]);
  expect(state()?.visible).toBe(1);
  poller.resume();
  await expect.poll(bodies).toEqual(["one"]);
});

test("an endpoint that fails is asked again", async () => {
  let failures = 2;
  client.middlewareStack.add((next) => async (args) => {
    if (failures-- > 0) throw new Error("away");
    return next(args);
  });
  start(() => undefined);
  send("one");
  await expect.poll(bodies, { timeout: 5000 }).toEqual(["one"]);
  expect(errors).toEqual(["away", "away"]);
});
