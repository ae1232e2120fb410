import fc from "fast-check";
import { expect, test } from "vitest";
import { boundary, dateText, periodAt, remaining } from "../../../stacks/local/stripe/billing/period.js";

const at = (text: string) => Date.parse(text) / 1000;
const dates = (anchor: string, interval: string, count: number) =>
  Array.from({ length: count }, (_, step) =>
    new Date(boundary(at(anchor), { interval, interval_count: 1 }, step) * 1000).toISOString().slice(0, 16),
  );

test("a month that lacks the anchor's day ends the period on its last day, the next is on that day again", () => {
  expect(dates("2028-01-31T10:30:00Z", "month", 5)).toEqual([
    "2028-01-31T10:30",
    "2028-02-29T10:30",
    "2028-03-31T10:30",
    "2028-04-30T10:30",
    "2028-05-31T10:30",
  ]);
  expect(dates("2028-02-29T00:00:00Z", "year", 3)).toEqual([
    "2028-02-29T00:00",
    "2029-02-28T00:00",
    "2030-02-28T00:00",
  ]);
  expect(dates("2026-10-24T01:30:00Z", "week", 2)).toEqual(["2026-10-24T01:30", "2026-10-31T01:30"]);
  expect(dateText(at("2026-03-05T23:59:59Z"))).toBe("05 Mar 2026");
});

const interval = fc.record({
  interval: fc.constantFrom("day", "week", "month", "year"),
  interval_count: fc.integer({ min: 1, max: 3 }),
});
const time = fc.integer({ min: at("2024-01-01T00:00:00Z"), max: at("2040-01-01T00:00:00Z") });

test("every moment is in one period, and periods follow each other without a gap", () => {
  fc.assert(
    fc.property(time, time, interval, (anchor, moment, every) => {
      const period = periodAt(anchor, every, moment);
      expect(period.start).toBeLessThanOrEqual(moment);
      expect(period.end).toBeGreaterThan(moment);
      expect(periodAt(anchor, every, period.end).start).toBe(period.end);
      expect(periodAt(anchor, every, period.start)).toEqual(period);
    }),
  );
});

test("what is left of an amount falls with each second from all of it to nothing", () => {
  const period = { start: 1000, end: 1000 + 86_400 };
  expect([0, 1000, 1000 + 43_200, period.end, period.end + 5].map((moment) => remaining(2900, period, moment))).toEqual(
    [2900, 2900, 1450, 0, 0],
  );
  fc.assert(
    fc.property(fc.nat(1_000_000), fc.nat(86_400), fc.nat(86_400), (amount, one, other) => {
      const [early, late] = [Math.min(one, other), Math.max(one, other)];
      expect(remaining(amount, period, 1000 + early)).toBeGreaterThanOrEqual(remaining(amount, period, 1000 + late));
    }),
  );
});
