import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { busName, type Endpoints, startEndpoints } from "../../stacks/local/aws/endpoints.js";
import { type Clock, createClock } from "../../stacks/local/lambda/clock.js";
import { queueSettings, queues } from "../../stacks/topology.js";
import { type Aws, aws } from "./tool.js";

/** AWS's own command line against our endpoints, as the host starts them but without its consumers. */
let clock: Clock;
let endpoints: Endpoints;
let sqs: Aws;
let events: Aws;

beforeAll(async () => {
  clock = createClock();
  endpoints = await startEndpoints({ clock });
  sqs = aws("sqs", endpoints.sqsUrl);
  events = aws("events", endpoints.eventBridgeUrl);
});

afterAll(async () => {
  await endpoints?.stop();
  clock?.stop();
});

const urlOf = async (name: string): Promise<string> => (await sqs("get-queue-url", "--queue-name", name)).QueueUrl;
const receive = async (url: string, ...words: string[]) =>
  (await sqs("receive-message", "--queue-url", url, "--attribute-names", "All", ...words)).Messages ?? [];

describe("sqs", () => {
  test("lists the queues of the topology with their settings", async () => {
    const { QueueUrls } = await sqs("list-queues");
    const names = Object.keys(queues).flatMap((name) => [name, `${name}-dead`]);
    expect(QueueUrls.map((url: string) => url.split("/").at(-1)).sort()).toEqual(names.sort());
    const { Attributes } = await sqs(
      "get-queue-attributes",
      ...["--queue-url", await urlOf("events"), "--attribute-names", "All"],
    );
    const { visibility, retention, maxReceiveCount } = queueSettings("events");
    expect(Attributes).toMatchObject({
      VisibilityTimeout: String(visibility),
      MessageRetentionPeriod: String(retention),
    });
    expect(JSON.parse(Attributes.RedrivePolicy)).toMatchObject({ maxReceiveCount });
  });

  test("sends, receives, hides and deletes", async () => {
    const url = await urlOf("jobs");
    const attributes = '{"kind":{"DataType":"String","StringValue":"test"}}';
    const sent = await sqs(
      "send-message",
      ...["--queue-url", url, "--message-body", "héllo", "--message-group-id", "one"],
      ...["--message-attributes", attributes],
    );
    const [message] = await receive(url, "--message-attribute-names", "All");
    expect(message).toMatchObject({ MessageId: sent.MessageId, Body: "héllo", MD5OfBody: sent.MD5OfMessageBody });
    expect(message.Attributes).toMatchObject({ ApproximateReceiveCount: "1", MessageGroupId: "one" });
    expect(message.MessageAttributes.kind.StringValue).toBe("test");
    expect(await receive(url)).toEqual([]);
    await sqs("delete-message", "--queue-url", url, "--receipt-handle", message.ReceiptHandle);
    await clock.advance(3_600_000);
    expect(await receive(url)).toEqual([]);
  });

  test("moves a message that fails too often to the dead letters", async () => {
    const [url, dead] = await Promise.all([urlOf("nudge"), urlOf("nudge-dead")]);
    await sqs("send-message", "--queue-url", url, "--message-body", "poison");
    for (let count = 0; count < queueSettings("nudge").maxReceiveCount; count += 1) {
      expect(await receive(url)).toHaveLength(1);
      await clock.advance(queueSettings("nudge").visibility * 1_000);
    }
    expect(await receive(url)).toEqual([]);
    expect(await receive(dead, "--visibility-timeout", "0")).toMatchObject([{ Body: "poison" }]);

    expect(await endpoints.redrive("nudge")).toBe(1);
    expect(await receive(dead)).toEqual([]);
    expect(await receive(url)).toMatchObject([{ Body: "poison", Attributes: { ApproximateReceiveCount: "1" } }]);
  });

  test("says what is wrong in AWS's words", async () => {
    await expect(sqs("get-queue-url", "--queue-name", "nowhere")).rejects.toThrow(/NonExistentQueue/);
    const oversized = ["--queue-url", await urlOf("jobs"), "--message-body", " "];
    await expect(sqs("send-message", ...oversized, "--delay-seconds", "901")).rejects.toThrow(/InvalidParameterValue/);
  });
});

describe("events", () => {
  const entry = (detail: string) => ({ EventBusName: busName, Source: "stoa", DetailType: "tested", Detail: detail });

  test("takes good entries and names the bad one", async () => {
    const entries = [entry('{"n":1}'), entry("{"), entry('{"n":2}')];
    const answer = await events("put-events", "--entries", JSON.stringify(entries));
    expect(answer.FailedEntryCount).toBe(1);
    expect(answer.Entries).toMatchObject([
      { EventId: expect.any(String) },
      { ErrorCode: "MalformedDetail" },
      { EventId: expect.any(String) },
    ]);
    const url = await urlOf("events");
    const found = await receive(url, "--max-number-of-messages", "10", "--wait-time-seconds", "2");
    expect(found.map(({ Body }: { Body: string }) => JSON.parse(Body).detail.n).sort()).toEqual([1, 2]);
  });

  test("describes its rule and its target, and passes over other sources", async () => {
    const { Rules } = await events("list-rules", "--event-bus-name", busName);
    const { Targets } = await events("list-targets-by-rule", "--rule", Rules[0].Name, "--event-bus-name", busName);
    expect(Targets).toMatchObject([{ Arn: endpoints.queues.get("events")?.arn }]);
    const before = endpoints.bus?.inspect();
    await events("put-events", "--entries", JSON.stringify([{ ...entry("{}"), Source: "elsewhere" }]));
    expect(endpoints.bus?.inspect()).toMatchObject({
      delivered: before?.delivered,
      unmatched: (before?.unmatched ?? 0) + 1,
    });
  });
});
