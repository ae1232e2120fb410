import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { trialEndOf } from "../../core/billing/checkout.js";
import { offerOf } from "../../core/billing/price.js";
import { soldPlans } from "../../core/entitlement/entitlement.sql.js";
import { limitsOf } from "../../core/entitlement/meter.js";
import { planOf, plans, platformFee } from "../../core/entitlement/plan.js";
import { MAX_AMOUNT } from "../../core/kernel/money.js";
import "../../functions/modules/index.js"; // fills the meters

describe("plans", () => {
  test("a larger one costs more and allows no less", () => {
    const sold = soldPlans.map((code) => plans[code]);
    const limit = (value: number | null) => value ?? Number.POSITIVE_INFINITY;
    for (const [index, plan] of sold.entries()) {
      const next = sold[index + 1];
      expect(plan.prices.year.amount).toBeLessThan(plan.prices.month.amount * 12);
      if (!next) continue;
      expect(next.prices.month.amount).toBeGreaterThan(plan.prices.month.amount);
      expect(next.fee).toBeLessThan(plan.fee);
      const [less, more] = [limitsOf(plan), limitsOf(next)];
      expect(Object.keys(less)).toEqual(["products", "ordersPerMonth", "members", "requestsPerSecond"]);
      for (const name of Object.keys(less))
        expect(limit(more[name] ?? null)).toBeGreaterThanOrEqual(limit(less[name] ?? null));
      expect(next.features).toEqual(expect.arrayContaining([...plan.features]));
    }
  });

  test("an unknown one is nobody's", () => {
    for (const code of ["", "enterprise", "toString", "__proto__"]) expect(() => planOf(code)).toThrow(/no plan/);
  });

  test("the platform's fee is an integer, and never more than what was agreed", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_AMOUNT }), fc.constantFrom(...Object.values(plans)), (amount, plan) => {
        const fee = platformFee(plan, amount);
        expect(Number.isSafeInteger(fee)).toBe(true);
        expect(fee * 10_000).toBeLessThanOrEqual(amount * plan.fee);
        expect((fee + 1) * 10_000).toBeGreaterThan(amount * plan.fee);
      }),
    );
  });
});

describe("what a price at Stripe stands for", () => {
  const price = (fields: object) =>
    offerOf({ id: "price_1", metadata: {}, recurring: { interval: "year" }, ...fields } as never);

  test("is in the name that we gave it, whatever it cost then", () => {
    expect(price({ lookup_key: "stoa_growth_month_eur_4900", recurring: { interval: "month" } })).toEqual({
      plan: "growth",
      interval: "month",
    });
  });

  test("or in its metadata, when somebody made it by hand", () => {
    expect(price({ lookup_key: null, metadata: { plan: "scale" } })).toEqual({ plan: "scale", interval: "year" });
  });

  test.each([
    { lookup_key: null },
    { lookup_key: "stoa_gold_month_eur_1" },
    { metadata: { plan: "trial" } },
    { metadata: { plan: "growth" }, recurring: null },
    { metadata: { plan: "growth" }, recurring: { interval: "week" } },
  ])("or is nothing that we sell: %o", (fields) => {
    expect(() => price(fields)).toThrow(/names no plan/);
  });
});

describe("the trial of a subscription", () => {
  const now = Date.parse("2026-11-23T12:00:00Z");
  const hours = (count: number) => new Date(now + count * 3_600_000).toISOString();
  const left = (trialEndsAt: string | null) => {
    const end = trialEndOf(trialEndsAt, now);
    return end === undefined ? undefined : (end * 1000 - now) / 3_600_000;
  };

  test("is what is left of ours, never so little that Stripe refuses it, and nothing when it is over", () => {
    expect(left(hours(300))).toBe(300);
    expect(left(hours(50))).toBe(50);
    expect(left(hours(49))).toBe(98);
    expect(left(hours(1))).toBe(50);
    expect(left(hours(0))).toBeUndefined();
    expect(left(hours(-1))).toBeUndefined();
    expect(left(null)).toBeUndefined();
  });
});

test("whoever tries us out is not slower than the machine that they measure", () => {
  expect(plans.trial.requestsPerSecond).toBeGreaterThanOrEqual(2_000);
});
