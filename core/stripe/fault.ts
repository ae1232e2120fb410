/** An error of Stripe's SDK, recognized by its fields: the SDK is loaded late, and only where Stripe is called. */
interface StripeSdkError extends Error {
  /** `StripeCardError`, `StripeConnectionError`, … */
  type: string;
  statusCode?: number;
  code?: string;
  decline_code?: string;
  param?: string;
  headers?: Record<string, string>;
  requestId?: string;
  /** The error of the connection. */
  detail?: unknown;
}

/** Stripe's definite refusal of a call: for now, or with these parameters for ever. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly param: string | undefined;
}

export const isStripeError = (error: unknown): error is StripeSdkError =>
  error instanceof Error &&
  typeof (error as StripeSdkError).type === "string" &&
  (error as StripeSdkError).type.startsWith("Stripe");

/**
 * The side that an error of Stripe's concerns. `passing`: a connection, a limit or an outage, which ends by itself.
 * `platform`: our key or our call. `repeated`: our key of idempotency with other parameters. `account`: the merchant's
 * account, which is no longer connected. `payer`: the bank asks the payer. `card`: the card is declined. `reference`: an
 * object whose id we keep is gone. `request`: a parameter, or the state of an object.
 */
export type FaultSide = "passing" | "platform" | "repeated" | "account" | "payer" | "card" | "reference" | "request";

interface FaultRule {
  readonly type?: string;
  readonly codes?: readonly string[];
  readonly side: FaultSide;
}

/** The codes of conditions that pass by themselves, with any HTTP status. */
const passingCodes = ["idempotency_key_in_use", "lock_timeout", "rate_limit"];

/**
 * Every error of Stripe's, by type and code; the first rule that fits counts. An error that fits no rule is `platform`.
 * @see https://docs.stripe.com/api/errors, https://docs.stripe.com/error-codes, https://docs.stripe.com/rate-limits
 */
const rules: readonly FaultRule[] = [
  { codes: passingCodes, side: "passing" },
  { codes: ["account_invalid"], side: "account" },
  { type: "StripeConnectionError", side: "passing" },
  { type: "StripeRateLimitError", side: "passing" },
  { type: "StripeAPIError", side: "passing" },
  { type: "StripeAuthenticationError", side: "platform" },
  { type: "StripePermissionError", side: "platform" },
  { type: "StripeIdempotencyError", side: "repeated" },
  {
    type: "StripeCardError",
    codes: [
      "authentication_required",
      "invoice_payment_intent_requires_action",
      "payment_intent_action_required",
      "subscription_payment_intent_requires_action",
    ],
    side: "payer",
  },
  { type: "StripeCardError", side: "card" },
  { codes: ["api_key_expired", "platform_api_key_expired", "secret_key_required"], side: "platform" },
  {
    type: "StripeInvalidRequestError",
    codes: ["resource_missing", "livemode_mismatch", "platform_account_required"],
    side: "reference",
  },
  { type: "StripeInvalidRequestError", side: "request" },
];

/** The side that an error concerns; undefined for an error that is not Stripe's. */
export function faultSideOf(error: unknown): FaultSide | undefined {
  if (!isStripeError(error)) return undefined;
  const { type, code = "" } = error;
  const rule = rules.find((one) => (one.type ?? type) === type && (one.codes ?? [code]).includes(code));
  return rule?.side ?? "platform";
}

/**
 * Stripe's definite refusal of the card, of the request or of the account (403 `account_invalid`: no longer connected).
 * Undefined while the outcome is open. A missing right of our key leaves it open too: the operator corrects the key,
 * and the payment has no fault.
 */
export function refusalOf(error: unknown): Refusal | undefined {
  const side = faultSideOf(error);
  if (!isStripeError(error) || side === "passing" || side === "platform") return undefined;
  const { type, code, decline_code: decline, message, param } = error;
  return { code: decline || code || type, message, param };
}

/** Whether a refusal concerns an object that Stripe does not have, or does not have any more. */
export const isGone = (error: unknown): boolean => faultSideOf(error) === "reference";

/** Whether a retry may get another answer. Stripe's header `stripe-should-retry` decides where it is set. */
export function isRetryable(error: unknown): boolean {
  if (!isStripeError(error) || faultSideOf(error) !== "passing") return false;
  const { type, headers, code = "", statusCode = 0 } = error;
  const advice = headers?.["stripe-should-retry"];
  if (advice === "true" || advice === "false") return advice === "true";
  if (type !== "StripeAPIError" || passingCodes.includes(code)) return true;
  // A body that is not JSON has no status: a proxy between Stripe and us has answered.
  return statusCode === 0 || statusCode === 409 || statusCode >= 500;
}
