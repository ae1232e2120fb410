import { afterEach, beforeEach, expect, test } from "vitest";
import { type Clock, createClock } from "../../../stacks/local/lambda/clock.js";
import { type Scheduler, startScheduler } from "../../../stacks/local/lambda/scheduler.js";

let clock: Clock;
let scheduler: Scheduler;
let calls: { name: string; event: { time: string; resources: string[] } }[];
let answer: () => Promise<unknown>;

beforeEach(() => {
  clock = createClock();
  calls = [];
  answer = async () => "done";
  scheduler = startScheduler({
    clock,
    schedules: { minutely: { function: "relay", everyMinutes: 1 }, hourly: { function: "sweep", everyMinutes: 60 } },
    invoke: (name, event) => {
      calls.push({ name, event: event as (typeof calls)[number]["event"] });
      return answer();
    },
  });
});

afterEach(() => {
  scheduler.stop();
  clock.stop();
});

const count = (name: string) => calls.filter((call) => call.name === name).length;
const minutes = async (count: number) => {
  await clock.advance(count * 60_000);
  await scheduler.idle();
};

test("each schedule runs after its period, with the event of EventBridge Scheduler", async () => {
  await minutes(0.9);
  expect(calls).toEqual([]);
  await minutes(0.2);
  expect(calls).toMatchObject([
    { name: "relay", event: { source: "aws.scheduler", "detail-type": "Scheduled Event", detail: "{}" } },
  ]);
  expect(calls[0]?.event.resources[0]).toMatch(/:schedule\/default\/minutely$/);
  for (let minute = 0; minute < 60; minute += 1) await minutes(1);
  expect([count("relay"), count("sweep")]).toEqual([61, 1]);
});

test("an advance of many periods makes one or two runs, the last at its end", async () => {
  const before = clock.now();
  await minutes(24 * 60);
  expect(count("relay")).toBe(2);
  expect(Date.parse(calls.at(-1)?.event.time ?? "") - before).toBeGreaterThan(23.9 * 3_600_000);
  expect(scheduler.list()[0]?.nextRun).toBeGreaterThan(clock.now());
});

test("a run asked for answers what the function answered, and waits for one under way", async () => {
  expect(await scheduler.run("hourly")).toBe("done");
  let running = 0;
  answer = async () => {
    expect(++running).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    running -= 1;
  };
  await Promise.all([scheduler.run("hourly"), scheduler.run("hourly"), scheduler.run("hourly")]);
  expect(count("sweep")).toBe(4);
  await expect(scheduler.run("unknown")).rejects.toThrow('There is no schedule "unknown".');
});

test("a run that fails is remembered until one succeeds, and the next is made", async () => {
  answer = () => Promise.reject(new Error("database is away"));
  await minutes(1);
  expect(scheduler.list()[0]).toMatchObject({ error: "database is away", running: false });
  await expect(scheduler.run("minutely")).rejects.toThrow("database is away");
  answer = async () => undefined;
  await minutes(1);
  expect(scheduler.list()[0]?.error).toBeUndefined();
});

test("a period can be changed", async () => {
  scheduler.setEvery("hourly", 2);
  await minutes(2);
  expect(count("sweep")).toBe(1);
});
