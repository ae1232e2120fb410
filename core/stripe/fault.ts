/** An error of Stripe's SDK, recognized by its fields: the SDK is loaded late, and only where Stripe is called. */
interface StripeSdkError extends Error {
  /** `StripeCardError`, `StripeConnectionError`, … */
  type: string;
  statusCode?: number;
  code?: string;
  decline_code?: string;
  param?: string;
  headers?: Record<string, string>;
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

/** The codes of conditions that pass by themselves, with any HTTP status. @see https://docs.stripe.com/rate-limits */
const retryableCodes = new Set(["idempotency_key_in_use", "lock_timeout", "rate_limit"]);

/** Error types that leave a payment undecided: a connection, a rate limit, an outage, or a fault of our own key. */
const undecidedTypes = new Set([
  "StripeConnectionError",
  "StripeRateLimitError",
  "StripeAPIError",
  "StripeAuthenticationError",
  "StripePermissionError",
]);

/**
 * Stripe's definite refusal of the card, of the request or of the account (403 `account_invalid`: no longer connected).
 * Undefined while the outcome is open. A missing right of our key leaves it open too: the operator corrects the key,
 * and the payment has no fault.
 * @see https://docs.stripe.com/api/errors
 */
export function refusalOf(error: unknown): Refusal | undefined {
  if (!isStripeError(error) || retryableCodes.has(error.code ?? "")) return undefined;
  const { type, code, decline_code: decline, message, param } = error;
  if (undecidedTypes.has(type) && code !== "account_invalid") return undefined;
  return { code: decline || code || type, message, param };
}

/** Whether a retry may get another answer. Stripe's header `stripe-should-retry` decides where it is set. */
export function isRetryable(error: unknown): boolean {
  if (!isStripeError(error) || refusalOf(error)) return false;
  const { type, headers, code = "", statusCode = 0 } = error;
  const advice = headers?.["stripe-should-retry"];
  if (advice === "true" || advice === "false") return advice === "true";
  if (type === "StripeConnectionError" || type === "StripeRateLimitError" || retryableCodes.has(code)) return true;
  // A body that is not JSON has no status: a proxy between Stripe and us has answered.
  return type === "StripeAPIError" && (statusCode === 0 || statusCode === 409 || statusCode >= 500);
}
