import { constantFrom, integer, property, assert as sample, tuple } from "fast-check";
import { describe, expect, test } from "vitest";
import { Failure } from "../../core/kernel/error.js";
import { Currency, exponent, MAX_AMOUNT } from "../../core/kernel/money.js";
import { currencyCode, fromStripe, minimumChargeOf, roundDown, toStripe } from "../../core/stripe/amount.js";

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof Failure) return error.code;
    throw error;
  }
  return "none";
};
const isTaken = (currency: Currency) => codeOf(() => toStripe(0, currency)) === "none";
const taken = Currency.options.filter(isTaken);
const amount = integer({ min: 0, max: MAX_AMOUNT });

/** Twelve digits are two more of these than of others. */
const hundredfold: Currency[] = ["ISK", "UGX"];

/** From Stripe's documentation, in its own words: what is sent for so much money (in whole units of the currency). */
const documented: [Currency, string, number][] = [
  ["USD", "10.00", 1_000],
  ["JPY", "500", 500],
  ["KWD", "5.12", 5_120],
  ["ISK", "5", 500],
  ["UGX", "5", 500],
  ["HUF", "10.45", 1_045],
  ["TWD", "800.45", 80_045],
];

describe("amounts for Stripe", () => {
  test.each(documented)("%s %s is %i", (currency, money, said) => {
    const [whole = "", part = ""] = money.split(".");
    const ours = Number(whole + part.padEnd(exponent(currency), "0"));
    expect(toStripe(ours, currency)).toBe(said);
    expect(fromStripe(said, currencyCode(currency))).toEqual({ amount: ours, currency });
  });

  test("are the same money there and back, in every currency", () => {
    sample(
      property(constantFrom(...taken), amount, (currency, any) => {
        const exact = roundDown(any, currency);
        const fits = !hundredfold.includes(currency) || exact < 10 ** 10;
        expect(codeOf(() => toStripe(exact, currency))).toBe(fits ? "none" : "payment.amount_unsupported");
        if (!fits) return;
        const sent = toStripe(exact, currency);
        expect(Number.isSafeInteger(sent)).toBe(true);
        expect(String(sent).length).toBeLessThanOrEqual(12);
        expect(fromStripe(sent, currencyCode(currency))).toEqual({ amount: exact, currency });
      }),
      { numRuns: 5_000 },
    );
  });

  test("are what Stripe can hold: thousandths in tens, whole krónur in hundredths", () => {
    const steps = taken.flatMap((currency) => {
      const step = [1, 10, 100].find((each) =>
        [each, 7 * each].every((n) => codeOf(() => toStripe(n, currency)) === "none"),
      );
      return step === 1 ? [] : [[currency, step]];
    });
    expect(Object.fromEntries(steps)).toEqual({ BHD: 10, JOD: 10, KWD: 10, OMR: 10, TND: 10 });
    expect(taken.filter((currency) => toStripe(10, currency) === 1_000)).toEqual(hundredfold);
  });

  test("that Stripe cannot express are refused, not rounded", () => {
    sample(
      property(constantFrom<Currency>("BHD", "KWD", "TND"), amount, (currency, any) => {
        const fits = any % 10 === 0;
        expect(codeOf(() => toStripe(any, currency))).toBe(fits ? "none" : "payment.amount_unsupported");
        expect(any - roundDown(any, currency)).toBe(any % 10);
      }),
    );
    expect(codeOf(() => toStripe(MAX_AMOUNT, "ISK"))).toBe("payment.amount_unsupported");
    expect(() => fromStripe(550, "isk")).toThrow("no amount");
    expect(() => fromStripe(100, "mga")).toThrow();
  });

  test("of currencies that Stripe does not take are refused", () => {
    const refused = Currency.options.filter((currency) => !isTaken(currency));
    expect(refused).toEqual(expect.arrayContaining(["BGN", "CUP", "IQD", "IRR", "KPW", "LYD", "VES", "CLF"]));
    sample(
      property(tuple(constantFrom(...refused), amount), ([currency, any]) => {
        expect(codeOf(() => toStripe(any, currency))).toBe("payment.currency_unsupported");
      }),
    );
    expect(taken.length).toBeGreaterThan(130);
  });

  test("the least that Stripe takes can be sent to it", () => {
    sample(
      property(constantFrom(...taken), (currency) => {
        const least = minimumChargeOf(currency);
        if (least) expect(toStripe(least.amount, currency)).toBeGreaterThanOrEqual(30);
      }),
    );
    expect(minimumChargeOf("EUR")).toEqual({ amount: 50, currency: "EUR" });
    expect(minimumChargeOf("XOF")).toBeUndefined();
  });
});
