import type { Context, SQSEvent } from "aws-lambda";
import { beforeEach, expect, test, vi } from "vitest";
import * as z from "zod";
import { Discard, processBatch } from "../../functions/batch.js";
import { count } from "../../functions/log.js";

vi.mock("../../functions/log.js", () => ({ count: vi.fn(), log: { warn: vi.fn(), error: vi.fn() } }));
beforeEach(() => vi.mocked(count).mockClear());

const Body = z.object({ name: z.string() });

const batchOf = (...bodies: string[]) =>
  ({
    Records: bodies.map((body, index) => ({ messageId: `m${index}`, body, attributes: {} })),
  }) as unknown as SQSEvent;
const named = (...names: string[]) => batchOf(...names.map((name) => JSON.stringify({ name })));
const withTime = (left: () => number) => ({ getRemainingTimeInMillis: left }) as Context;
const enough = withTime(() => 30_000);
const failures = (...ids: string[]) => ({ batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) });
const counted = () => vi.mocked(count).mock.calls.map(([name, , dimensions]) => [name, dimensions?.reason]);

test("messages are handled one after the other, and one that fails delays no other", async () => {
  const steps: string[] = [];
  const answer = await processBatch(named("a", "b", "c"), enough, Body, async ({ name }) => {
    steps.push(`${name} begins`);
    await new Promise((done) => setTimeout(done, 5));
    steps.push(`${name} ends`);
    if (name === "b") throw new Error("no");
  });
  expect(steps).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  expect(answer).toEqual(failures("m1"));
  expect(counted()).toEqual([["MessagesFailed", undefined]]);
});

test("a batch in which all fail is reported, not thrown", async () => {
  const answer = await processBatch(named("a", "b"), enough, Body, () => Promise.reject(new Error("no")));
  expect(answer).toEqual(failures("m0", "m1"));
});

test("messages that are not begun in time are received again, uncounted", async () => {
  let left = 30_000;
  const handled: string[] = [];
  const context = withTime(() => left);
  const answer = await processBatch(named("a", "b", "c"), context, Body, async ({ name }) => {
    handled.push(name);
    left = 15_000;
  });
  expect([handled, answer, counted()]).toEqual([["a"], failures("m1", "m2"), []]);
});

test("a message that can never be handled is acknowledged and counted", async () => {
  const answer = await processBatch(batchOf("{", "{}", '{"name":"a"}'), enough, Body, async () => {
    throw new Discard("tenant_mismatch");
  });
  expect(answer).toEqual(failures());
  expect(counted()).toEqual([
    ["MessagesDiscarded", "unreadable"],
    ["MessagesDiscarded", "unreadable"],
    ["MessagesDiscarded", "tenant_mismatch"],
  ]);
});

test("a batch's answer carries nothing of the one before", async () => {
  await processBatch(named("a"), enough, Body, () => Promise.reject(new Error("no")));
  expect(await processBatch(named("a"), enough, Body, () => Promise.resolve())).toEqual(failures());
  expect(await processBatch(batchOf(), enough, Body, () => Promise.resolve())).toEqual(failures());
});
