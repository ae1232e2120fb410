import { ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import { expect, onTestFinished, test } from "vitest";
import { startEndpoints } from "../../../stacks/local/aws/endpoints.js";
import { createClock } from "../../../stacks/local/lambda/clock.js";
import { queueSettings } from "../../../stacks/topology.js";

test("dead letters are redriven to their queue as new messages, group and attributes kept", async () => {
  const clock = createClock();
  const endpoints = await startEndpoints({ clock });
  onTestFinished(async () => {
    await endpoints.stop();
    clock.stop();
  });
  const { client, sqs } = endpoints;
  const receive = async () => {
    const QueueUrl = sqs?.url("jobs");
    const all = { MessageSystemAttributeNames: ["All" as const], MessageAttributeNames: ["All"] };
    return (await client.send(new ReceiveMessageCommand({ QueueUrl, ...all }))).Messages?.[0];
  };
  const attributes = { kind: { DataType: "String", StringValue: "test" } };
  const { MessageId } = sqs?.send("jobs", "poison", { group: "tenant", attributes }) ?? {};
  for (let count = 0; count < queueSettings("jobs").maxReceiveCount; count += 1) {
    expect((await receive())?.MessageId).toBe(MessageId);
    await clock.advance(queueSettings("jobs").visibility * 1000);
  }
  expect(await receive()).toBeUndefined();

  expect(await endpoints.redrive("jobs")).toBe(1);
  const again = await receive();
  expect(again).toMatchObject({
    Body: "poison",
    Attributes: { ApproximateReceiveCount: "1", MessageGroupId: "tenant" },
    MessageAttributes: attributes,
  });
  expect(again?.MessageId).not.toBe(MessageId);
  expect(again?.Attributes?.DeadLetterQueueSourceArn).toBeUndefined();
  expect(await endpoints.redrive("jobs")).toBe(0);
});
