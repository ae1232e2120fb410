import {
  CreateEventBusCommand,
  DeleteRuleCommand,
  DescribeEventBusCommand,
  DescribeRuleCommand,
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListEventBusesCommand,
  ListRulesCommand,
  ListTargetsByRuleCommand,
  PutEventsCommand,
  type PutEventsRequestEntry,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
  ResourceNotFoundException,
} from "@aws-sdk/client-eventbridge";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type EventBridge, startEventBridge } from "../../../stacks/local/aws/eventbridge.js";
import { type Sqs, startSqs } from "../../../stacks/local/aws/sqs.js";
import { type Clock, createClock } from "../../../stacks/local/lambda/clock.js";

process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = "true";

let clock: Clock;
let sqs: Sqs;
let bridge: EventBridge;
let client: EventBridgeClient;
let broken: Error | undefined;

beforeEach(async () => {
  clock = createClock();
  broken = undefined;
  sqs = await startSqs({ clock, queues: [{ name: "dead" }, { name: "events" }, { name: "other" }] });
  bridge = await startEventBridge({
    clock,
    bus: "stoa",
    rules: [{ name: "all", pattern: { source: ["stoa"] }, queue: "events", deadLetter: "dead" }],
    deliver(queue, body, options) {
      if (broken && queue === "events") throw broken;
      sqs.send(queue, body, options);
    },
  });
  client = new EventBridgeClient({
    region: "us-east-1",
    endpoint: bridge.endpoint,
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
});

afterEach(async () => {
  client.destroy();
  await bridge.stop();
  await sqs.stop();
  clock.stop();
});

const entry = (given: PutEventsRequestEntry = {}): PutEventsRequestEntry => ({
  EventBusName: "stoa",
  Source: "stoa",
  DetailType: "product.created",
  Detail: JSON.stringify({ id: 1 }),
  ...given,
});
const put = (...Entries: PutEventsRequestEntry[]) => client.send(new PutEventsCommand({ Entries }));

async function received(queue = "events") {
  const all = [];
  for (let more = await sqs.receive(queue, { max: 10 }); more.length > 0; more = await sqs.receive(queue, { max: 10 }))
    all.push(...more);
  return all.map(({ body, messageAttributes }) => ({ ...JSON.parse(body), messageAttributes }));
}

describe("PutEvents", () => {
  test("brings the event in its envelope to the queue of the rule that matches", async () => {
    const time = new Date("2026-11-22T10:00:00.000Z");
    const { Entries, FailedEntryCount } = await put(entry({ Time: time, Resources: ["r"] }), entry({ Source: "else" }));
    expect(FailedEntryCount).toBe(0);
    expect(await received()).toEqual([
      {
        version: "0",
        id: Entries?.[0]?.EventId,
        "detail-type": "product.created",
        source: "stoa",
        account: "000000000000",
        time: "2026-11-22T10:00:00Z",
        region: "us-east-1",
        resources: ["r"],
        detail: { id: 1 },
        messageAttributes: {},
      },
    ]);
    expect(bridge.inspect()).toMatchObject({ accepted: 2, delivered: 1, unmatched: 1, pending: 0 });
  });

  test("answers each entry for itself", async () => {
    const { Entries, FailedEntryCount } = await put(
      entry(),
      entry({ Source: undefined }),
      entry({ DetailType: "" }),
      entry({ Detail: "{" }),
      entry({ Detail: "[1]" }),
      entry({ Detail: undefined }),
      entry({ Source: "aws.s3" }),
    );
    expect(FailedEntryCount).toBe(6);
    expect(Entries?.map(({ ErrorCode }) => ErrorCode)).toEqual([
      undefined,
      "InvalidArgument",
      "InvalidArgument",
      "MalformedDetail",
      "MalformedDetail",
      "InvalidArgument",
      "NotAuthorizedForSourceException",
    ]);
    expect(await received()).toHaveLength(1);
  });

  test("takes ten entries and a megabyte in all", async () => {
    const ValidationException = { name: "ValidationException", $metadata: { httpStatusCode: 400 } };
    await put(...Array.from({ length: 10 }, () => entry()));
    await expect(put(...Array.from({ length: 11 }, () => entry()))).rejects.toMatchObject(ValidationException);
    await expect(put()).rejects.toMatchObject(ValidationException);
    const half = entry({ Detail: JSON.stringify({ text: "x".repeat(600_000) }) });
    await put(half);
    await expect(put(half, half)).rejects.toMatchObject(ValidationException);
    expect(await received()).toHaveLength(11);
  });

  test("for an unknown bus is accepted and lost, as on AWS, but counted", async () => {
    expect((await put(entry({ EventBusName: "typo" }))).FailedEntryCount).toBe(0);
    expect(bridge.inspect()).toMatchObject({ unknownBus: 1, delivered: 0 });
  });
});

describe("delivery", () => {
  test("is tried again with growing pauses until the queue takes it", async () => {
    broken = new Error("down");
    await put(entry());
    await clock.advance(60_000);
    expect(bridge.inspect()).toMatchObject({ pending: 1, delivered: 0 });
    broken = undefined;
    await clock.advance(600_000);
    expect(await received()).toHaveLength(1);
  });

  test("ends after a day with the target's dead letters", async () => {
    broken = new Error("down");
    await put(entry());
    await clock.advance(25 * 3_600_000);
    expect(await received("dead")).toMatchObject([{ detail: { id: 1 }, messageAttributes: { RETRY_ATTEMPTS: {} } }]);
    expect(bridge.inspect()).toMatchObject({ pending: 0, deadLettered: 1, dropped: 0 });
  });

  test("to a queue that does not exist is not tried again", async () => {
    await client.send(
      new PutTargetsCommand({
        Rule: "all",
        EventBusName: "stoa",
        Targets: [{ Id: "gone", Arn: sqs.arn("other").replace("other", "gone") }],
      }),
    );
    await put(entry());
    expect(bridge.inspect()).toMatchObject({ delivered: 1, dropped: 1, retried: 0 });
  });

  test("under chaos: failed entries, duplicates, delays, drops", async () => {
    bridge.chaos.failEntries = 0.5;
    const { Entries = [], FailedEntryCount = 0 } = await put(...Array.from({ length: 10 }, () => entry()));
    expect(Entries.filter(({ ErrorCode }) => /Throttling|InternalFailure/.test(ErrorCode ?? ""))).toHaveLength(
      FailedEntryCount,
    );
    expect(await received()).toHaveLength(10 - FailedEntryCount);
    Object.assign(bridge.chaos, { failEntries: 0, duplicate: 1, delayMs: 5_000, reorder: true });
    await put(entry());
    expect(await received()).toHaveLength(0);
    await clock.advance(6_000);
    const [one, two] = await received();
    expect(one?.id).toBe(two?.id);
    Object.assign(bridge.chaos, { duplicate: 0, delayMs: 0, reorder: false, dropToDlq: 1 });
    await put(entry());
    expect(await received()).toHaveLength(0);
    const [dead] = await received("dead");
    expect(dead?.messageAttributes.RULE_ARN.StringValue).toBe("arn:aws:events:us-east-1:000000000000:rule/stoa/all");
  });
});

test("buses, rules and targets are made, listed, switched and removed", async () => {
  const { EventBusArn } = await client.send(new CreateEventBusCommand({ Name: "mine" }));
  await expect(client.send(new CreateEventBusCommand({ Name: "mine" }))).rejects.toMatchObject({
    name: "ResourceAlreadyExistsException",
  });
  expect((await client.send(new DescribeEventBusCommand({ Name: "mine" }))).Arn).toBe(EventBusArn);
  expect((await client.send(new ListEventBusesCommand({}))).EventBuses?.map(({ Name }) => Name)).toEqual([
    "default",
    "stoa",
    "mine",
  ]);
  const rule = { Name: "shop", EventBusName: EventBusArn };
  const EventPattern = JSON.stringify({ source: ["shop", "till"] });
  await client.send(new PutRuleCommand({ ...rule, EventPattern }));
  const target = { Id: "t", Arn: sqs.arn("other"), SqsParameters: { MessageGroupId: "g" } };
  const onRule = { Rule: "shop", EventBusName: "mine" };
  await client.send(new PutTargetsCommand({ ...onRule, Targets: [target] }));
  expect((await client.send(new ListTargetsByRuleCommand(onRule))).Targets).toEqual([target]);
  expect((await client.send(new ListRulesCommand({ EventBusName: "mine" }))).Rules).toMatchObject([
    { Name: "shop", State: "ENABLED" },
  ]);
  const sale = entry({ EventBusName: "mine", Source: "till" });
  await put(sale, entry({ EventBusName: EventBusArn, Source: "else" }));
  await client.send(new DisableRuleCommand(rule));
  expect(await client.send(new DescribeRuleCommand(rule))).toMatchObject({ EventPattern, State: "DISABLED" });
  await put(sale);
  await client.send(new EnableRuleCommand(rule));
  await put(sale);
  expect((await sqs.receive("other", { max: 10 })).map(({ attributes }) => attributes.MessageGroupId)).toEqual([
    "g",
    "g",
  ]);
  await expect(client.send(new DeleteRuleCommand(rule))).rejects.toThrow("has targets");
  await client.send(new RemoveTargetsCommand({ ...onRule, Ids: ["t"] }));
  await client.send(new DeleteRuleCommand(rule));
  await expect(client.send(new DescribeRuleCommand(rule))).rejects.toBeInstanceOf(ResourceNotFoundException);
  for (const pattern of ['{"a":"b"}', '{"source":[]}', '{"source":["shop"],"detail":{"total":[1]}}', "{"])
    await expect(client.send(new PutRuleCommand({ ...rule, EventPattern: pattern }))).rejects.toMatchObject({
      name: "InvalidEventPatternException",
    });
});
