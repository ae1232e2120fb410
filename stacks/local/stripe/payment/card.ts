import { createHash } from "node:crypto";
import { declined, declineOf } from "./decline.js";

/** The behavior of a test payment method. @see https://docs.stripe.com/testing */
export interface Behaviour {
  readonly brand: string;
  readonly number: string;
  /** A name of decline.ts. */
  readonly decline?: string;
  /** The bank asks for authentication each time, or unless the card was set up for off-session use. */
  readonly authentication?: "always" | "unless_set_up";
  /** Reason of the dispute that follows the charge. */
  readonly dispute?: string;
  readonly refund?: "fails" | "pending";
  /** Seconds until a debit succeeds or fails. */
  readonly delay?: number;
  readonly failure?: string;
  readonly country?: string;
  readonly funding?: string;
  /** Names of its test tokens in the API. */
  readonly tokens?: readonly string[];
}

const cards: readonly Behaviour[] = [
  { brand: "visa", number: "4242424242424242", tokens: ["visa", "us"] },
  { brand: "visa", number: "4000056655665556", funding: "debit", tokens: ["visa_debit"] },
  { brand: "visa", number: "4000002760000016", country: "DE", tokens: ["de"] },
  { brand: "mastercard", number: "5555555555554444", tokens: ["mastercard"] },
  { brand: "mastercard", number: "5200828282828210", funding: "debit", tokens: ["mastercard_debit"] },
  { brand: "amex", number: "378282246310005", tokens: ["amex"] },
  { brand: "discover", number: "6011111111111117", tokens: ["discover"] },
  { brand: "jcb", number: "3566002020360505", country: "JP", tokens: ["jcb"] },
  { brand: "unionpay", number: "6200000000000005", country: "CN", tokens: ["unionpay"] },
  {
    brand: "visa",
    number: "4000000000000002",
    decline: "generic_decline",
    tokens: ["visa_chargeDeclined", "chargeDeclined"],
  },
  {
    brand: "visa",
    number: "4000000000009995",
    decline: "insufficient_funds",
    tokens: ["visa_chargeDeclinedInsufficientFunds", "chargeDeclinedInsufficientFunds"],
  },
  { brand: "visa", number: "4000000000009987", decline: "lost_card", tokens: ["visa_chargeDeclinedLostCard"] },
  { brand: "visa", number: "4000000000009979", decline: "stolen_card", tokens: ["visa_chargeDeclinedStolenCard"] },
  { brand: "visa", number: "4000000000000069", decline: "expired_card", tokens: ["chargeDeclinedExpiredCard"] },
  { brand: "visa", number: "4000000000000127", decline: "incorrect_cvc", tokens: ["chargeDeclinedIncorrectCvc"] },
  { brand: "visa", number: "4000000000000119", decline: "processing_error", tokens: ["chargeDeclinedProcessingError"] },
  { brand: "visa", number: "4000000000006975", decline: "card_velocity_exceeded" },
  { brand: "visa", number: "4000000000000341", decline: "generic_decline", tokens: ["chargeCustomerFail"] },
  { brand: "visa", number: "4100000000000019", decline: "fraudulent", tokens: ["radarBlock"] },
  {
    brand: "visa",
    number: "4000002500003155",
    authentication: "unless_set_up",
    tokens: ["authenticationRequiredOnSetup"],
  },
  { brand: "visa", number: "4000002760003184", authentication: "always", tokens: ["authenticationRequired"] },
  {
    brand: "visa",
    number: "4000000000003220",
    authentication: "always",
    tokens: ["threeDSecure2Required", "threeDSecureRequired"],
  },
  {
    brand: "visa",
    number: "4000008400001629",
    authentication: "always",
    decline: "generic_decline",
    tokens: ["threeDSecureRequiredChargeDeclined"],
  },
  {
    brand: "visa",
    number: "4000008260003178",
    authentication: "always",
    decline: "insufficient_funds",
    tokens: ["authenticationRequiredChargeDeclinedInsufficientFunds"],
  },
  { brand: "visa", number: "4000000000000259", dispute: "fraudulent", tokens: ["createDispute"] },
  {
    brand: "visa",
    number: "4000000000002685",
    dispute: "product_not_received",
    tokens: ["createDisputeProductNotReceived"],
  },
  { brand: "visa", number: "4000000000007726", refund: "pending", tokens: ["pendingRefund"] },
  { brand: "visa", number: "4000000000005126", refund: "fails", tokens: ["refundFail"] },
];

/** Debits, which are `processing` first. The token names are the stand-in's own: Stripe has none for IBANs. */
const debits: readonly Behaviour[] = [
  { brand: "us_bank_account", number: "000123456789", delay: 60, tokens: ["usBankAccount_success", "usBankAccount"] },
  {
    brand: "us_bank_account",
    number: "000111111116",
    delay: 60,
    failure: "account_closed",
    tokens: ["usBankAccount_accountClosed"],
  },
  {
    brand: "us_bank_account",
    number: "000222222227",
    delay: 60,
    failure: "insufficient_funds",
    tokens: ["usBankAccount_insufficientFunds"],
  },
  {
    brand: "us_bank_account",
    number: "000000004954",
    delay: 60,
    dispute: "insufficient_funds",
    tokens: ["usBankAccount_dispute"],
  },
  { brand: "sepa_debit", number: "DE89370400440532013000", delay: 60 },
  { brand: "sepa_debit", number: "DE08370400440532013003", delay: 180 },
  { brand: "sepa_debit", number: "DE62370400440532013001", delay: 60, failure: "generic_could_not_process" },
  { brand: "sepa_debit", number: "DE78370400440532013004", delay: 180, failure: "generic_could_not_process" },
  { brand: "sepa_debit", number: "DE35370400440532013002", delay: 60, dispute: "debit_not_authorized" },
  { brand: "sepa_debit", number: "AT611904300234573201", delay: 60 },
  { brand: "sepa_debit", number: "AT861904300235473202", delay: 60, failure: "generic_could_not_process" },
];

/** Equal numbers have equal fingerprints. */
export const fingerprintOf = (number: string) =>
  createHash("sha256").update(number).digest("base64url").replace(/[-_]/g, "0").slice(0, 16);

const all = [...cards, ...debits];
const byNumber = new Map(all.map((one) => [one.number, one]));
const byFingerprint = new Map(all.map((one) => [fingerprintOf(one.number), one]));
const byToken = new Map(all.flatMap((one) => (one.tokens ?? []).map((token) => [token, one] as const)));

/** The Luhn check of ISO/IEC 7812-1. */
function isWellFormed(number: string) {
  const sum = [...number].toReversed().reduce((total, digit, at) => {
    const value = Number(digit) * (at % 2 === 0 ? 1 : 2);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return /^\d{12,19}$/.test(number) && sum % 10 === 0;
}

/** @throws Failure for a number that fails the check */
export function cardOf(number: string): Behaviour {
  const digits = number.replace(/[\s-]/g, "");
  if (!isWellFormed(digits)) throw declined(declineOf("incorrect_number"), { param: "number" });
  return byNumber.get(digits) ?? { brand: "visa", number: digits, decline: "test_mode_live_card" };
}

export const debitOf = (number: string): Behaviour | undefined => byNumber.get(number.replace(/\s/g, ""));

/** `pm_card_visa`, `tok_visa` and Stripe's other test tokens. */
export const byTestToken = (token: string) => byToken.get(token.replace(/^(pm_card_|pm_|tok_)/, ""));

export const behaviourOf = (fingerprint: string | null | undefined): Behaviour =>
  byFingerprint.get(fingerprint ?? "") ?? { brand: "visa", number: "", decline: "test_mode_live_card" };
