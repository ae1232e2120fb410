import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  billingStateOf,
  causes,
  nextStep,
  type SubscriptionState,
  statusByCause,
  stepsOf,
} from "../../core/billing/status.js";
import { plans } from "../../core/entitlement/plan.js";
import { tenantStatuses } from "../../core/tenant/tenant.sql.js";

const { growth, trial } = plans;
const schedule = growth.dunning;
const day = 86_400_000;
const since = "2026-11-01T00:00:00.000Z";
const onDay = (days: number) => Date.parse(since) + days * day;
const none: SubscriptionState = { status: null, trialEndsAt: null, pastDueSince: null };
const at = (snapshot: Partial<SubscriptionState>, days: number) => {
  const { cause, access } = billingStateOf({ ...none, ...snapshot }, schedule, onDay(days));
  return `${cause} ${access}`;
};

describe("the table of a tenant's status", () => {
  test("answers each cause in each status, and the answer is that of the cause", () => {
    expect(Object.keys(statusByCause).toSorted()).toEqual([...tenantStatuses].toSorted());
    const wanted = { trial: "trial", paid: "active", owed: "past_due", overdue: "suspended", ended: "closing" };
    expect(Object.keys(wanted)).toEqual([...causes]);
    for (const from of tenantStatuses)
      for (const cause of causes) expect(statusByCause[from][cause]).toBe(wanted[cause]);
  });

  test("what was missed in between does not matter: any way to the same end ends the same", () => {
    const way = fc.array(fc.constantFrom(...causes), { maxLength: 20 });
    const walk = (from: (typeof tenantStatuses)[number], steps: readonly (typeof causes)[number][]) =>
      steps.reduce((status, cause) => statusByCause[status][cause], from);
    fc.assert(
      fc.property(fc.constantFrom(...tenantStatuses), way, way, fc.constantFrom(...causes), (from, a, b, last) => {
        expect(walk(from, [...a, last])).toBe(walk(from, [...b, last]));
      }),
    );
  });
});

describe("where a tenant stands", () => {
  test.each([
    [{ status: "active" }, 400, "paid full"],
    [{ status: "trialing" }, 400, "trial full"],
    // Whatever is left over from a debt of yesterday: Stripe says that it is paid.
    [{ status: "active", pastDueSince: since }, 400, "paid full"],
    // Without a subscription the trial counts, and its end is the first day of the schedule.
    [{ trialEndsAt: since }, -1, "trial full"],
    [{ trialEndsAt: since }, 0, "owed full"],
    [{ trialEndsAt: since }, 8, "owed read_only"],
    [{ status: "incomplete", trialEndsAt: since }, -1, "trial full"],
    [{ status: "incomplete", trialEndsAt: since }, 8, "owed read_only"],
    [{ status: "paused", trialEndsAt: since, pastDueSince: since }, 8, "owed read_only"],
    // Stripe's clock is ahead of ours.
    [{ status: "past_due", pastDueSince: since }, -0.01, "owed full"],
    // Who cancelled keeps what is left of the trial, and is gone afterwards.
    [{ status: "canceled", trialEndsAt: since }, -1, "trial full"],
    [{ status: "canceled", trialEndsAt: since }, 0, "ended blocked"],
    // Whom Stripe cancelled for not paying still has the rest of the schedule.
    [{ status: "canceled", pastDueSince: since }, 6, "owed full"],
    [{ status: "past_due", pastDueSince: since }, 6.99, "owed full"],
    [{ status: "past_due", pastDueSince: since }, 7, "owed read_only"],
    [{ status: "unpaid", pastDueSince: since }, 20.99, "owed read_only"],
    [{ status: "unpaid", pastDueSince: since }, 21, "overdue blocked"],
    [{ status: "past_due", pastDueSince: since }, 80.99, "overdue blocked"],
    [{ status: "past_due", pastDueSince: since }, 81, "ended blocked"],
    // A trial of ours does not excuse a debt at Stripe.
    [{ status: "past_due", pastDueSince: since, trialEndsAt: "2027-01-01T00:00:00Z" }, 8, "owed read_only"],
    // Test mode has no trial and never ends.
    [{}, 4_000, "trial full"],
  ] as const)("%o after %d days: %s", (snapshot, days, wanted) => {
    expect(at(snapshot, days)).toBe(wanted);
  });

  test("it never gets better by waiting", () => {
    const order = ["full", "read_only", "blocked"];
    const status = fc.constantFrom("past_due", "unpaid", "canceled", "paused", "incomplete", null);
    const days = fc.double({ min: -20, max: 200, noNaN: true });
    fc.assert(
      fc.property(status, fc.boolean(), days, days, (status, owes, a, b) => {
        const snapshot = { status, trialEndsAt: since, pastDueSince: owes ? since : null };
        const [first = 0, second = 0] = [a, b]
          .toSorted((x, y) => x - y)
          .map((days) => order.indexOf(billingStateOf(snapshot, schedule, onDay(days)).access));
        expect(second).toBeGreaterThanOrEqual(first);
      }),
    );
  });
});

describe("the schedule", () => {
  test.each(Object.values(plans))("of $code is in order, and ends with the doors", ({ dunning }) => {
    const steps = stepsOf(dunning);
    expect(steps.map(({ day }) => day)).toEqual(steps.map(({ day }) => day).toSorted((a, b) => a - b));
    expect(steps.filter(({ kind }) => kind !== "reminder").map(({ kind }) => kind)).toEqual([
      "read_only",
      "suspended",
      "closing",
    ]);
    // Nobody is shut out without a word.
    expect(steps.findIndex(({ kind }) => kind === "read_only")).toBeGreaterThanOrEqual(2);
  });

  test("says the next step of those that are not done, also before the day", () => {
    const soon = billingStateOf({ ...none, trialEndsAt: since }, trial.dunning, onDay(-5));
    expect(nextStep(soon, trial.dunning, 0)).toEqual({ kind: "reminder", day: -3, at: "2026-10-29T00:00:00.000Z" });
    const late = billingStateOf({ ...none, pastDueSince: since, status: "past_due" }, schedule, onDay(30));
    expect(nextStep(late, schedule, 5)).toEqual({ kind: "closing", day: 81, at: "2027-01-21T00:00:00.000Z" });
    expect(nextStep(late, schedule, 6)).toBeUndefined();
    expect(nextStep(billingStateOf({ ...none, status: "active" }, schedule, onDay(0)), schedule, 0)).toBeUndefined();
  });
});
