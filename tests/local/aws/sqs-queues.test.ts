import { appendFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  PurgeQueueCommand,
  QueueDoesNotExist,
  SendMessageBatchCommand,
  SetQueueAttributesCommand,
  TagQueueCommand,
} from "@aws-sdk/client-sqs";
import { describe, expect, test } from "vitest";
import { startSqs } from "../../../stacks/local/aws/sqs.js";
import { client, clock, minute, queues, receive, send, sqs, url } from "./sqs-client.js";

describe("batches", () => {
  test("answer each entry for itself", async () => {
    const { Successful = [], Failed = [] } = await client.send(
      new SendMessageBatchCommand({
        QueueUrl: url,
        Entries: [
          { Id: "good", MessageBody: "ok", MessageGroupId: "t" },
          { Id: "bad", MessageBody: "\u0001" },
          { Id: "slow", MessageBody: "late", DelaySeconds: 5000 },
        ],
      }),
    );
    expect(Successful.map(({ Id }) => Id)).toEqual(["good"]);
    expect(Failed).toMatchObject([
      { Id: "bad", Code: "InvalidMessageContents", SenderFault: true },
      { Id: "slow", Code: "InvalidParameterValue" },
    ]);
    const [message] = await receive();
    const deleted = await client.send(
      new DeleteMessageBatchCommand({
        QueueUrl: url,
        Entries: [
          { Id: "1", ReceiptHandle: message?.ReceiptHandle },
          { Id: "2", ReceiptHandle: "x" },
        ],
      }),
    );
    expect(deleted).toMatchObject({ Successful: [{ Id: "1" }], Failed: [{ Id: "2", Code: "ReceiptHandleIsInvalid" }] });
  });

  test.each([
    ["EmptyBatchRequest", []],
    [
      "TooManyEntriesInBatchRequest",
      Array.from({ length: 11 }, (_, index) => ({ Id: String(index), MessageBody: "x" })),
    ],
    [
      "BatchEntryIdsNotDistinct",
      [
        { Id: "a", MessageBody: "x" },
        { Id: "a", MessageBody: "y" },
      ],
    ],
    ["InvalidBatchEntryId", [{ Id: "a b", MessageBody: "x" }]],
    [
      "BatchRequestTooLong",
      [
        { Id: "a", MessageBody: "x".repeat(600_000) },
        { Id: "b", MessageBody: "x".repeat(600_000) },
      ],
    ],
  ])("%s", async (name, Entries) => {
    await expect(client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries }))).rejects.toMatchObject({ name });
  });
});

describe("dead letters", () => {
  async function exhaust() {
    for (let round = 0; round < 3; round++) {
      await receive();
      await clock.advance(30_000);
    }
  }

  test("a message received often enough moves at the next receive and keeps its id and age", async () => {
    const { MessageId } = await send({ MessageBody: "poison", MessageGroupId: "t" });
    const sentAt = sqs.inspect()[1]?.messages[0]?.sent;
    await exhaust();
    expect(await receive()).toEqual([]);
    const [dead] = await receive({ QueueUrl: sqs.url("dead") });
    expect(dead).toMatchObject({
      MessageId,
      Body: "poison",
      Attributes: { DeadLetterQueueSourceArn: sqs.arn("work"), SentTimestamp: String(sentAt), MessageGroupId: "t" },
    });
  });

  test("know their sources, and only an existing queue takes them", async () => {
    const sources = await client.send(new ListDeadLetterSourceQueuesCommand({ QueueUrl: sqs.url("dead") }));
    expect(sources.queueUrls).toEqual([url]);
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: `${sqs.arn("work")}-not`, maxReceiveCount: "3" });
    const set = client.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { RedrivePolicy } }));
    await expect(set).rejects.toThrow("Dead letter target does not exist");
  });
});

describe("queues", () => {
  test("are made, described, tagged, listed and deleted", async () => {
    const create = (Attributes: Record<string, string>) =>
      client.send(new CreateQueueCommand({ QueueName: "more", Attributes }));
    const { QueueUrl } = await create({ VisibilityTimeout: "12" });
    expect((await create({ VisibilityTimeout: "12" })).QueueUrl).toBe(QueueUrl);
    await expect(create({ VisibilityTimeout: "13" })).rejects.toMatchObject({ name: "QueueNameExists" });
    await send({ MessageBody: "x" }, QueueUrl);
    const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ["All"] }));
    expect(Attributes).toMatchObject({
      QueueArn: sqs.arn("more"),
      VisibilityTimeout: "12",
      MessageRetentionPeriod: "345600",
      ApproximateNumberOfMessages: "1",
      ApproximateNumberOfMessagesNotVisible: "0",
      ApproximateNumberOfMessagesDelayed: "0",
    });
    await client.send(new TagQueueCommand({ QueueUrl, Tags: { stage: "local" } }));
    expect((await client.send(new ListQueueTagsCommand({ QueueUrl }))).Tags).toEqual({ stage: "local" });
    expect((await client.send(new GetQueueUrlCommand({ QueueName: "more" }))).QueueUrl).toBe(QueueUrl);
    const page = await client.send(new ListQueuesCommand({ MaxResults: 2 }));
    const rest = await client.send(new ListQueuesCommand({ MaxResults: 2, NextToken: page.NextToken }));
    expect([...(page.QueueUrls ?? []), ...(rest.QueueUrls ?? [])]).toEqual([sqs.url("dead"), url, QueueUrl]);
    await client.send(new PurgeQueueCommand({ QueueUrl }));
    await expect(client.send(new PurgeQueueCommand({ QueueUrl }))).rejects.toMatchObject({
      name: "PurgeQueueInProgress",
    });
    await client.send(new DeleteQueueCommand({ QueueUrl }));
    await expect(create({})).rejects.toMatchObject({ name: "QueueDeletedRecently" });
    await clock.advance(minute);
    await create({});
  });

  test("that are unknown throw the SDK's own error", async () => {
    const failure = await send({ MessageBody: "x" }, sqs.url("nowhere")).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(QueueDoesNotExist);
    expect(failure).toMatchObject({
      Code: "AWS.SimpleQueueService.NonExistentQueue",
      $metadata: { httpStatusCode: 400 },
    });
  });

  test("refuse attributes that they do not have", async () => {
    const set = (Attributes: Record<string, string>) =>
      client.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes }));
    await expect(set({ Nonsense: "1" })).rejects.toMatchObject({ name: "InvalidAttributeName" });
    await expect(set({ VisibilityTimeout: "43201" })).rejects.toMatchObject({ name: "InvalidAttributeValue" });
  });
});

describe("chaos", () => {
  test("every message comes twice, once", async () => {
    sqs.chaos.duplicate = 1;
    const { MessageId } = await send({ MessageBody: "x" });
    const twice = [...(await receive()), ...(await receive())];
    expect(twice.map((message) => message.MessageId)).toEqual([MessageId, MessageId]);
    for (const { ReceiptHandle } of twice)
      await client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle }));
    await clock.advance(minute);
    expect(await receive()).toEqual([]);
  });

  test("messages change their order and come later", async () => {
    sqs.chaos.reorder = true;
    sqs.chaos.delayMs = 5_000;
    const sent = Array.from({ length: 100 }, (_, index) => String(index));
    for (const body of sent) sqs.send("work", body);
    expect(await receive()).toEqual([]);
    await clock.advance(5_000);
    const received: (string | undefined)[] = [];
    for (let round = 0; round < 10; round++) received.push(...(await receive()).map(({ Body }) => Body));
    expect(received).not.toEqual(sent);
    expect(new Set(received)).toEqual(new Set(sent));
  });

  test("calls fail, and the SDK tries again", async () => {
    sqs.chaos.fail = 1;
    await expect(send({ MessageBody: "x" })).rejects.toMatchObject({ $metadata: { httpStatusCode: 503, attempts: 3 } });
    sqs.chaos.fail = 0;
    await send({ MessageBody: "x" });
  });
});

test("messages outlive the host, also one that was killed while writing", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "sqs-")), "journal", "sqs.ndjson");
  const first = await startSqs({ clock, queues, file });
  for (const body of ["kept", "held", "deleted"]) first.send("work", body);
  const received = await first.receive("work", { max: 10 });
  for (const { body, receiptHandle } of received) if (body === "deleted") first.remove("work", receiptHandle);
  for (const { body, receiptHandle } of received) if (body === "kept") first.changeVisibility("work", receiptHandle, 0);
  appendFileSync(file, '{"seq":99,"queue":"work","mess');
  await first.stop();

  const second = await startSqs({ clock, queues, file });
  const again = await second.receive("work", { max: 10 });
  expect(again.map(({ body, attributes }) => [body, attributes.ApproximateReceiveCount])).toEqual([
    ["kept", "2"],
    ["held", "2"],
  ]);
  await second.stop();
});
