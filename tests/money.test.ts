import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { calculateAmounts, type ListedPrice, sumTotals } from "../core/kernel/amounts.js";
import { Currency, calculateTax, exponent, formatMoney, MAX_AMOUNT } from "../core/kernel/money.js";

/** Basis points, to the hundredth of one. */
const rate = fc.integer({ min: 0, max: 1_000_000 }).map((hundredths) => hundredths / 100);
const listed: fc.Arbitrary<ListedPrice> = fc.record({
  unitPrice: fc.integer({ min: 0, max: 10_000_000 }),
  quantity: fc.integer({ min: 1, max: 10_000 }),
  taxInclusive: fc.boolean(),
  taxRate: rate,
});
const runs = { numRuns: 2_000 };

describe("tax", () => {
  test("inside a price is what the net price would be charged, to the unit", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_AMOUNT }), rate, (gross, bps) => {
        const tax = calculateTax(gross, bps, true);
        const net = gross - tax;
        expect(tax).toBeGreaterThanOrEqual(0);
        expect(net).toBeGreaterThanOrEqual(0);
        // The net price, taxed again, misses the gross price by rounding only.
        expect(Math.abs(net + calculateTax(net, bps, false) - gross)).toBeLessThanOrEqual(1);
      }),
      runs,
    );
  });

  test("is exact against rational arithmetic, rounded half up", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_AMOUNT }), rate, fc.boolean(), (amount, bps, inclusive) => {
        const part = BigInt(Math.round(bps * 100));
        const divisor = inclusive ? 1_000_000n + part : 1_000_000n;
        const twice = 2n * BigInt(amount) * part - 2n * BigInt(calculateTax(amount, bps, inclusive)) * divisor;
        expect(twice >= -divisor && twice < divisor).toBe(true);
      }),
      runs,
    );
  });

  test.each([
    [1190, 1900, true, 190],
    [1000, 1900, false, 190],
    [1999, 1900, true, 319],
    [1, 1900, false, 0],
    [3, 1900, false, 1],
    [0, 1900, true, 0],
    [5, 10_000, false, 5],
    [100_000, 842.5, false, 8_425],
    [100_000, 997.5, false, 9_975],
    [100_000, 887.5, false, 8_875],
    [10_000_000, 881.25, false, 881_250],
  ])("of %i at %d bps (inclusive %s) is %i", (amount, bps, inclusive, tax) =>
    expect(calculateTax(amount, bps, inclusive)).toBe(tax),
  );
});

describe("a total", () => {
  test("is the sum of its lines and shipping, in integers, never negative", () => {
    fc.assert(
      fc.property(fc.array(listed, { maxLength: 100 }), fc.option(listed, { nil: undefined }), (lines, shipping) => {
        const priced = lines.map(calculateAmounts);
        const delivery = shipping && calculateAmounts(shipping);
        const sum = sumTotals(priced, delivery);
        const all = delivery ? [...priced, delivery] : priced;
        const add = (pick: (item: (typeof all)[number]) => number) =>
          Number(all.reduce((total, item) => total + BigInt(pick(item)), 0n));
        expect(sum.total).toBe(add((item) => item.total));
        expect(sum.tax).toBe(add((item) => item.tax));
        expect(sum.subtotal + sum.shipping).toBe(add((item) => item.subtotal));
        for (const value of Object.values(sum)) expect(Number.isSafeInteger(value) && value >= 0).toBe(true);
      }),
      runs,
    );
  });

  test("does not depend on the order of its lines", () => {
    fc.assert(
      fc.property(fc.array(listed, { maxLength: 30 }), (lines) => {
        expect(sumTotals(lines.map(calculateAmounts).reverse(), undefined)).toEqual(
          sumTotals(lines.map(calculateAmounts), undefined),
        );
      }),
    );
  });
});

describe("money", () => {
  test("has the exponents of ISO 4217, where Intl differs too", () => {
    expect(["EUR", "JPY", "KWD", "HUF", "ISK", "CLF"].map((code) => exponent(Currency.parse(code)))).toEqual([
      2, 0, 3, 2, 0, 4,
    ]);
    for (const code of ["XYZ", "MGA"]) expect(Currency.safeParse(code).success).toBe(false);
  });

  test("is shown with all its digits", () => {
    expect(formatMoney({ amount: 1999, currency: "EUR" })).toBe("19.99 EUR");
    expect(formatMoney({ amount: 5, currency: "KWD" })).toBe("0.005 KWD");
    expect(formatMoney({ amount: 1200, currency: "JPY" })).toBe("1200 JPY");
    expect(formatMoney({ amount: -50, currency: "EUR" })).toBe("-0.50 EUR");
  });
});
