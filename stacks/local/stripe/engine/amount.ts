import { refused } from "./failure.js";

/** Presentment currencies. @see https://docs.stripe.com/currencies#presentment-currencies */
const known =
  "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zar zmw".split(
    " ",
  );
const currencies = new Set(known);

/** @see https://docs.stripe.com/currencies#zero-decimal */
const zeroDecimal = new Set("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split(" "));
/** Have no minor unit, but amounts are given in hundredths. @see https://docs.stripe.com/currencies#special-cases */
const hundredths = new Set(["isk", "ugx"]);
/** @see https://docs.stripe.com/currencies#three-decimal */
const threeDecimal = new Set(["bhd", "jod", "kwd", "omr", "tnd"]);

/** Smallest charges, in minor units. @see https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts */
const least: Record<string, number> = {
  ...{ usd: 50, aed: 200, aud: 50, bgn: 100, brl: 50, cad: 50, chf: 50, czk: 1500, dkk: 250, eur: 50, gbp: 30 },
  ...{ hkd: 400, huf: 17_500, inr: 50, jpy: 50, mxn: 1000, myr: 200, nok: 300, nzd: 50, pln: 200, ron: 200 },
  ...{ sek: 300, sgd: 50, thb: 1000 },
};

/** The smallest charge of a currency, in minor units. */
export const leastCharge = (currency: string) => least[currency] ?? 1;

const decimals = (currency: string) => (zeroDecimal.has(currency) ? 0 : threeDecimal.has(currency) ? 3 : 2);

/** An amount formatted for a page. */
export const moneyText = (amount: number, currency: string) =>
  new Intl.NumberFormat("en", {
    style: "currency",
    currency: currency.toUpperCase(),
    minimumFractionDigits: decimals(currency),
    maximumFractionDigits: decimals(currency),
  }).format(amount / 10 ** decimals(currency));

/** @throws Failure for a currency that Stripe does not know in lower case */
export function checkCurrency(currency: string, param = "currency") {
  if (!currencies.has(currency))
    throw refused(`Invalid currency: ${currency}. Stripe currently supports these currencies: ${known.join(", ")}`, {
      param,
    });
}

/** @throws Failure for an amount that is not divisible as the currency requires */
export function checkStep(amount: number, currency: string, param = "amount") {
  const step = threeDecimal.has(currency) ? 10 : hundredths.has(currency) ? 100 : 1;
  if (amount % step !== 0)
    throw refused(`Invalid amount: amounts in ${currency} must be divisible by ${step}.`, { param });
}

/** @throws Failure for an amount outside of Stripe's limits for the currency */
export function checkAmount(amount: number, currency: string, param = "amount") {
  checkStep(amount, currency, param);
  const minimum = leastCharge(currency);
  if (amount < minimum)
    throw refused(`Amount must be at least ${moneyText(minimum, currency)} ${currency}`, {
      code: "amount_too_small",
      param,
    });
  if (amount > 99_999_999)
    throw refused(`Amount must be no more than ${moneyText(99_999_999, currency)} ${currency}`, {
      code: "amount_too_large",
      param,
    });
}
