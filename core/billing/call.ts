import type Stripe from "stripe";
import { type AfterCommit, afterCommit } from "../kernel/after-commit.js";
import { conflict } from "../kernel/error.js";
import { isStripeError, refusalOf, requestIdempotencyKey, withinRequest, withRetry } from "../stripe/index.js";

/** The idempotency key of a call that this request makes for one purpose. */
export const idempotencyKeyOf = (...purpose: readonly unknown[]): string =>
  requestIdempotencyKey("billing", ...purpose);

/**
 * Sends a write to Stripe, and repeats it under the same idempotency key until Stripe has decided.
 * @throws OutcomeUnknown
 */
export const withIdempotencyKey = <T>(
  idempotencyKey: string,
  run: (options: Stripe.RequestOptions) => Promise<T>,
): Promise<T> => withRetry(() => run({ idempotencyKey }));

/**
 * Runs calls to Stripe for a request.
 * @throws Failure unavailable when Stripe does not answer, conflict `billing.payment_declined` when a card is refused
 */
export const withProviderFailures = <T>(run: () => Promise<T>): Promise<T> =>
  withinRequest("billing", run).catch((error: unknown) => {
    throw declinedBy(error) ?? error;
  });

/** The same after the request's transaction has committed. */
export const afterCommitAtStripe = <T>(run: () => Promise<T>): AfterCommit<T> =>
  afterCommit(() => withProviderFailures(run));

/** The failure that tells the client of a declined card; undefined for any other error. */
function declinedBy(error: unknown) {
  const refusal = refusalOf(error);
  if (!refusal || !isStripeError(error) || error.type !== "StripeCardError") return undefined;
  return conflict(
    "billing.payment_declined",
    "The payment was declined, and the plan has not changed. Add another card and retry.",
    { data: { reason: refusal.code } },
  );
}
