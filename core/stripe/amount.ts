import { conflict, Failure } from "../kernel/error.js";
import { Currency, exponent, type Money } from "../kernel/money.js";

/**
 * The currencies in which Stripe charges shoppers, as far as our list of currencies has them.
 * @see https://docs.stripe.com/currencies#presentment-currencies (2026-11; BHD, JOD, KWD, OMR and TND by country)
 */
const presentmentCurrencies = new Set<string>(
  `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CLP CNY COP CRC
  CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR ISK JMD JOD JPY
  KES KGS KHR KMF KRW KWD KYD KZT LAK LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK
  NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SLE SOS SRD SZL THB TJS TND TOP
  TRY TTD TWD TZS UAH UGX USD UYU UZS VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW`.split(/\s+/),
);

/**
 * The currencies that Stripe counts in other units than ISO 4217: they have no minor unit, but Stripe expects
 * hundredths that are always zero. (HUF and TWD have hundredths for charges and refunds; only payouts, which the
 * merchant makes, must be whole.) @see https://docs.stripe.com/currencies#special-cases
 */
const factors: Partial<Record<Currency, number>> = { ISK: 100, UGX: 100 };

/** Twelve digits, in every currency; a payment method with a lower maximum refuses the payment itself. */
const MAX_UNITS = 999_999_999_999;

/**
 * Stripe's minimum charges, in our minor units. They are those of a merchant who is paid out in the same currency; a
 * smaller amount is refused before a cart is bound to it, because for nearly all merchants Stripe would refuse it after.
 * @see https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts
 */
const minimumCharges: Partial<Record<Currency, number>> = {
  AED: 200,
  ARS: 50,
  AUD: 50,
  BRL: 50,
  CAD: 50,
  CHF: 50,
  COP: 50,
  CZK: 1_500,
  DKK: 250,
  EUR: 50,
  GBP: 30,
  HKD: 400,
  HUF: 17_500,
  IDR: 50,
  ILS: 50,
  INR: 50,
  JPY: 50,
  KRW: 50,
  MXN: 1_000,
  MYR: 200,
  NOK: 300,
  NZD: 50,
  PHP: 50,
  PLN: 200,
  RON: 200,
  RUB: 50,
  SEK: 300,
  SGD: 50,
  THB: 1_000,
  USD: 50,
  ZAR: 50,
};
export const minimumChargeOf = (currency: Currency): Money | undefined => {
  const amount = minimumCharges[currency];
  return amount === undefined ? undefined : { amount, currency };
};

/** The smallest step of an amount, in our minor units: of three decimals Stripe's partners know two. */
const stepOf = (currency: Currency): number => (exponent(currency) === 3 ? 10 : 1);

/** The largest amount up to this one that Stripe can move, in minor units. */
export const roundDown = (amount: number, currency: Currency): number => amount - (amount % stepOf(currency));

/** The currency's code in Stripe's spelling. */
export const currencyCode = (currency: Currency): string => currency.toLowerCase();

/**
 * Our minor units in Stripe's: the same amount of money, exactly.
 * @throws Failure conflict `payment.currency_unsupported`, or `payment.amount_unsupported` when Stripe cannot express
 * the amount
 */
export function toStripe(amount: number, currency: Currency): number {
  if (!presentmentCurrencies.has(currency)) {
    throw conflict("payment.currency_unsupported", `The provider does not support ${currency}.`);
  }
  const units = amount * (factors[currency] ?? 1);
  if (amount === roundDown(amount, currency) && units <= MAX_UNITS) return units;
  const data = { step: stepOf(currency), most: Math.floor(MAX_UNITS / (factors[currency] ?? 1)) };
  throw conflict(
    "payment.amount_unsupported",
    "The provider cannot charge exactly this amount; see `step` and `most`.",
    { data },
  );
}

/** The reason why Stripe takes no payment of this amount, as far as it is known beforehand; undefined when there is none. */
export function amountRefusal(amount: number, currency: Currency): Failure | undefined {
  try {
    toStripe(amount, currency);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  const least = minimumChargeOf(currency);
  return least && amount < least.amount ? amountTooSmall(least) : undefined;
}

export const amountTooSmall = (least: Money | undefined): Failure =>
  conflict("payment.amount_too_small", "The amount is below the provider's minimum charge; see `least`.", {
    data: { least },
  });

/** Stripe's minor units in ours. @throws Error for a currency or a fraction that our requests never contain */
export function fromStripe(amount: number, code: string): Money {
  const currency = Currency.parse(code.toUpperCase());
  const units = amount / (factors[currency] ?? 1);
  if (!Number.isSafeInteger(units))
    throw new Error(`Stripe reported ${amount} ${code}, which is no amount of that currency.`);
  return { amount: units, currency };
}
