/** What Stripe's SDK throws, by what it carries: its classes are loaded late, and only where somebody calls Stripe. */
interface StripeSdkError extends Error {
  /** `StripeCardError`, `StripeConnectionError`, … */
  type: string;
  statusCode?: number;
  code?: string;
  decline_code?: string;
  param?: string;
  headers?: Record<string, string>;
  /** What the connection said. */
  detail?: unknown;
}

/** Stripe has understood, and will not do it: now, or with these parameters, ever. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly param: string | undefined;
}

export const isStripeError = (error: unknown): error is StripeSdkError =>
  error instanceof Error &&
  typeof (error as StripeSdkError).type === "string" &&
  (error as StripeSdkError).type.startsWith("Stripe");

/** They pass by themselves, whatever their status. @see https://docs.stripe.com/rate-limits */
const retryableCodes = new Set(["idempotency_key_in_use", "lock_timeout", "rate_limit"]);

/** Nobody knows what has happened, or nothing has: a connection, a limit, an outage; or our own key is not right. */
const undecidedTypes = new Set([
  "StripeConnectionError",
  "StripeRateLimitError",
  "StripeAPIError",
  "StripeAuthenticationError",
  "StripePermissionError",
]);

/**
 * A refusal for good: of the card, of the request, of the account (403 `account_invalid`: it is not connected any more).
 * Undefined for what is not decided. What our key may not do is decided by whoever made the key, not by the payment.
 * @see https://docs.stripe.com/api/errors
 */
export function refusalOf(error: unknown): Refusal | undefined {
  if (!isStripeError(error) || retryableCodes.has(error.code ?? "")) return undefined;
  const { type, code, decline_code: decline, message, param } = error;
  if (undecidedTypes.has(type) && code !== "account_invalid") return undefined;
  return { code: decline || code || type, message, param };
}

/** Whether the same call may answer something else in a moment. Stripe says so itself where it matters. */
export function isRetryable(error: unknown): boolean {
  if (!isStripeError(error) || refusalOf(error)) return false;
  const { type, headers, code = "", statusCode = 0 } = error;
  const advice = headers?.["stripe-should-retry"];
  if (advice === "true" || advice === "false") return advice === "true";
  if (type === "StripeConnectionError" || type === "StripeRateLimitError" || retryableCodes.has(code)) return true;
  // An answer that is no JSON has no status: it came from somebody on the way.
  return type === "StripeAPIError" && (statusCode === 0 || statusCode === 409 || statusCode >= 500);
}
