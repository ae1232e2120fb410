import * as currencies from "dinero.js/currencies";
import * as z from "zod";
import { RATE_SCALE } from "./basis-points.js";

type CurrencyCode = Exclude<keyof typeof currencies, "MGA" | "MRU">;

/**
 * The ariary and the ouguiya have five parts, not ten or a hundred: no integer of decimal minor units can hold them.
 */
const { MGA: _, MRU: __, ...known } = { ...currencies };
const codes = Object.keys(known) as [CurrencyCode, ...CurrencyCode[]];

/** ISO 4217. The exponents are those of dinero.js: `Intl` disagrees with the standard for 17 currencies. */
export const Currency = z
  .enum(codes)
  .meta({ id: "Currency", examples: ["EUR"], description: "ISO 4217 code in capitals" });
export type Currency = z.infer<typeof Currency>;

/** The largest amount that is accepted, in minor units: sums of 10,000 lines of it stay below 2^53. */
export const MAX_AMOUNT = 99_999_999_999;

export const Amount = z.int().min(0).max(MAX_AMOUNT).meta({ description: "Minor units: 1999 EUR is 19.99 €" });

/** Integer minor units and their currency. */
export const Money = z
  .object({ amount: z.int().meta({ description: "Minor units: 1999 EUR is 19.99 €" }), currency: Currency })
  .meta({ id: "Money", examples: [{ amount: 1999, currency: "EUR" }] });
export type Money = z.infer<typeof Money>;

/** Money in a request, which has no other fields. */
export const GivenMoney = z.strictObject(Money.shape).describe("Minor units and their currency: 1999 EUR is 19.99 €");

/** Digits after the point (EUR 2, JPY 0, KWD 3). */
export const exponent = (currency: Currency): number => known[currency].exponent;

/**
 * A part of an amount, `amount × part ÷ whole`, exact for any integers of JavaScript.
 * @param rounding `down`, or `half-up` to the nearest minor unit
 */
export function ratio(amount: number, part: number, whole: number, rounding: "down" | "half-up"): number {
  const product = BigInt(amount) * BigInt(part);
  const divisor = BigInt(whole);
  return Number(rounding === "down" ? product / divisor : (product * 2n + divisor) / (divisor * 2n));
}

/**
 * The tax inside a gross amount, or on top of a net one, in minor units, rounded half up to the nearest unit.
 * @param rate basis points, with at most two decimals: 1900 is 19 %, 842.5 is 8.425 %
 */
export function calculateTax(amount: number, rate: number, inclusive: boolean): number {
  const part = Math.round(rate * RATE_SCALE);
  const whole = 10_000 * RATE_SCALE;
  return ratio(amount, part, inclusive ? whole + part : whole, "half-up");
}

/** For people: `19.99 EUR`. */
export function formatMoney({ amount, currency }: Money): string {
  const digits = exponent(currency);
  const text = String(Math.abs(amount)).padStart(digits + 1, "0");
  const whole = text.slice(0, text.length - digits);
  return `${amount < 0 ? "-" : ""}${whole}${digits > 0 ? `.${text.slice(-digits)}` : ""} ${currency}`;
}
