import { ChangeMessageVisibilityCommand, DeleteMessageCommand, ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import { describe, expect, test } from "vitest";
import { bodies, client, clock, minute, receive, send, sqs, url } from "./sqs-client.js";

describe("a message", () => {
  test("is received as it was sent, with digests that the SDK checks", async () => {
    const sent = await send({
      MessageBody: "grüße 👋",
      MessageGroupId: "tenant-1",
      MessageAttributes: {
        text: { DataType: "String", StringValue: "ä" },
        count: { DataType: "Number.int", StringValue: "7" },
        bytes: { DataType: "Binary", BinaryValue: Uint8Array.of(0, 255, 7) },
      },
      MessageSystemAttributes: { AWSTraceHeader: { DataType: "String", StringValue: "Root=1-5" } },
    });
    const [message] = await receive();
    expect(message).toMatchObject({
      MessageId: sent.MessageId,
      Body: "grüße 👋",
      MD5OfMessageAttributes: sent.MD5OfMessageAttributes,
      Attributes: { MessageGroupId: "tenant-1", ApproximateReceiveCount: "1", AWSTraceHeader: "Root=1-5" },
    });
    // Computed by hand in another language, from SQS's description.
    expect(sent.MD5OfMessageAttributes).toBe("961af5b7727b4a9df927b4fe644bcc9e");
    expect(message?.MessageAttributes?.bytes?.BinaryValue).toEqual(Uint8Array.of(0, 255, 7));
    expect(Number(message?.Attributes?.SentTimestamp)).toBeCloseTo(clock.now(), -4);
  });

  test("names select attributes, and unknown ones are refused", async () => {
    await send({
      MessageBody: "x",
      MessageAttributes: {
        "a.one": { DataType: "String", StringValue: "1" },
        b: { DataType: "String", StringValue: "2" },
      },
    });
    const [message] = await receive({
      MessageAttributeNames: ["a.*"],
      MessageSystemAttributeNames: ["SenderId"],
      VisibilityTimeout: 0,
    });
    expect(Object.keys(message?.MessageAttributes ?? {})).toEqual(["a.one"]);
    expect(Object.keys(message?.Attributes ?? {})).toEqual(["SenderId"]);
    await expect(receive({ MessageSystemAttributeNames: ["Nonsense" as "All"] })).rejects.toMatchObject({
      name: "InvalidAttributeName",
    });
  });

  test("is hidden for the visibility timeout and comes back with its count", async () => {
    await send({ MessageBody: "again" });
    const [first] = await receive();
    expect(await receive()).toEqual([]);
    await clock.advance(29_000);
    expect(await receive()).toEqual([]);
    await clock.advance(1_000);
    const [second] = await receive();
    expect(second?.MessageId).toBe(first?.MessageId);
    expect(second?.Attributes?.ApproximateReceiveCount).toBe("2");
    expect(second?.Attributes?.ApproximateFirstReceiveTimestamp).toBe(
      first?.Attributes?.ApproximateFirstReceiveTimestamp,
    );
  });

  test("is deleted by its newest receipt handle only", async () => {
    await send({ MessageBody: "x" });
    const [first] = await receive({ VisibilityTimeout: 1 });
    await clock.advance(1_000);
    const [second] = await receive();
    const remove = (ReceiptHandle = "") => client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle }));
    await remove(first?.ReceiptHandle);
    expect(sqs.inspect()[1]).toMatchObject({ inFlight: 1 });
    await remove(second?.ReceiptHandle);
    await remove(second?.ReceiptHandle);
    expect(sqs.inspect()[1]).toMatchObject({ inFlight: 0, visible: 0 });
    await expect(remove("nonsense")).rejects.toMatchObject({ name: "ReceiptHandleIsInvalid" });
  });

  test("can be deleted after its visibility timeout if nobody received it since", async () => {
    await send({ MessageBody: "late" });
    const [message] = await receive();
    await clock.advance(minute);
    await client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: message?.ReceiptHandle }));
    expect(await receive()).toEqual([]);
  });

  test("changes its visibility while in flight, up to twelve hours in all", async () => {
    await send({ MessageBody: "x" });
    const [message] = await receive();
    const change = (VisibilityTimeout: number) =>
      client.send(
        new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle: message?.ReceiptHandle, VisibilityTimeout }),
      );
    await change(300);
    await clock.advance(4 * minute);
    expect(await receive()).toEqual([]);
    await expect(change(43_200)).rejects.toThrow("beyond the limit");
    await expect(change(43_201)).rejects.toMatchObject({ name: "InvalidParameterValue" });
    await change(0);
    await expect(change(10)).rejects.toMatchObject({ name: "MessageNotInflight" });
    expect(await receive()).toHaveLength(1);
    await expect(change(10)).rejects.toThrow("not available for visibility timeout change");
  });

  test("waits for its delay, and is gone after its retention", async () => {
    await send({ MessageBody: "delayed", DelaySeconds: 900 });
    expect(await receive()).toEqual([]);
    await clock.advance(900_000);
    expect(bodies(await receive())).toEqual(["delayed"]);
    await expect(send({ MessageBody: "x", DelaySeconds: 901 })).rejects.toThrow("DelaySeconds");
    await clock.advance(4 * 86_400_000);
    expect(await receive()).toEqual([]);
    expect(sqs.inspect()[1]).toMatchObject({ visible: 0, inFlight: 0, delayed: 0 });
  });

  test("of a megabyte passes; more, empty ones and bad characters do not", async () => {
    const megabyte = "x".repeat(1_048_576);
    await send({ MessageBody: megabyte });
    expect((await receive())[0]?.Body).toHaveLength(1_048_576);
    await expect(send({ MessageBody: `${megabyte}x` })).rejects.toMatchObject({ name: "InvalidParameterValue" });
    await expect(send({ MessageBody: "" })).rejects.toMatchObject({ name: "MissingParameter" });
    await expect(send({ MessageBody: "a\u0000b" })).rejects.toMatchObject({ name: "InvalidMessageContents" });
    await expect(send({ MessageBody: "a\uFFFF" })).rejects.toMatchObject({ name: "InvalidMessageContents" });
    await send({ MessageBody: "tab\tline\n🙂" });
  });
});

describe("receiving", () => {
  test("a long poll ends when a message comes, when it becomes visible, and with nothing", async () => {
    const early = receive({ WaitTimeSeconds: 20 });
    await send({ MessageBody: "now" });
    expect(bodies(await early)).toEqual(["now"]);
    const returned = receive({ WaitTimeSeconds: 20 });
    await clock.advance(31_000);
    expect(bodies(await returned)).toEqual(["now"]);
    const before = Date.now();
    expect(await receive({ WaitTimeSeconds: 1 })).toEqual([]);
    expect(Date.now() - before).toBeGreaterThan(900);
  });

  test("a consumer that hangs up does not take a message with it", async () => {
    const hangUp = new AbortController();
    const poll = client.send(new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 20 }), {
      abortSignal: hangUp.signal,
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    hangUp.abort();
    await expect(poll).rejects.toMatchObject({ name: "AbortError" });
    await new Promise((resolve) => setTimeout(resolve, 50));
    const other = receive({ WaitTimeSeconds: 5 });
    await send({ MessageBody: "mine" });
    expect(bodies(await other)).toEqual(["mine"]);
  });

  test("at most ten at once", async () => {
    for (let index = 0; index < 12; index++) sqs.send("work", String(index));
    expect(await receive()).toHaveLength(10);
    expect(await receive()).toHaveLength(2);
    await expect(receive({ MaxNumberOfMessages: 11 })).rejects.toMatchObject({ name: "InvalidParameterValue" });
  });

  test("quiet groups come before one that holds the consumers", async () => {
    for (let index = 0; index < 60; index++) sqs.send("work", "loud", { group: "loud" });
    sqs.send("work", "quiet", { group: "quiet" });
    sqs.send("work", "none");
    for (let round = 0; round < 3; round++) expect(new Set(bodies(await receive()))).toEqual(new Set(["loud"]));
    expect(bodies(await receive({ MaxNumberOfMessages: 3 }))).toEqual(["loud", "none", "quiet"]);
  });
});
