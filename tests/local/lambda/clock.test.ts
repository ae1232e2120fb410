import { expect, test } from "vitest";
import { createClock } from "../../../stacks/local/lambda/clock.js";

const hour = 3_600_000;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("advancing runs what became due, in order of time and then of asking, each at its own time", async () => {
  const clock = createClock();
  const start = clock.now();
  const ran: [string, number][] = [];
  const note = (name: string) => () => void ran.push([name, Math.round((clock.now() - start) / hour)]);
  const same = start + 2 * hour;
  clock.at(start + 3 * hour, note("c"));
  clock.at(same, note("b1"));
  clock.at(same, note("b2"));
  clock.after(hour, note("a"));
  clock.after(5 * hour, note("later"));
  await clock.advance(4 * hour);
  expect(ran).toEqual([
    ["a", 1],
    ["b1", 2],
    ["b2", 2],
    ["c", 3],
  ]);
  expect(clock.now() - start).toBeGreaterThanOrEqual(4 * hour);
  expect(clock.now() - start).toBeLessThan(4 * hour + 5_000);
});

test("what a run asks for within the advanced time also runs, and promises are waited for", async () => {
  const clock = createClock();
  let ticks = 0;
  const tick = async () => {
    await pause(1);
    ticks++;
    clock.after(60_000, tick);
  };
  clock.after(60_000, tick);
  await clock.advance(10.5 * 60_000);
  expect(ticks).toBe(10);
  clock.stop();
});

test("timers fire in real time too, and a cancelled one never", async () => {
  const clock = createClock();
  const ran: string[] = [];
  clock.after(20, () => ran.push("kept"));
  const cancel = clock.after(10, () => ran.push("cancelled"));
  cancel();
  cancel();
  await pause(60);
  expect(ran).toEqual(["kept"]);
});

test("a hundred thousand timers, most of them cancelled, fire in order", async () => {
  const clock = createClock();
  const start = clock.now() + hour;
  const fired: number[] = [];
  const cancels = Array.from({ length: 100_000 }, (_, index) => {
    const time = start + ((index * 7919) % 100_003);
    return clock.at(time, () => fired.push(time));
  });
  for (const [index, cancel] of cancels.entries()) if (index % 10 > 0) cancel();
  await clock.advance(3 * hour);
  expect(fired).toHaveLength(10_000);
  expect(fired).toEqual([...fired].sort((a, b) => a - b));
});
