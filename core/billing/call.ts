import type Stripe from "stripe";
import { type AfterCommit, afterCommit } from "../kernel/after-commit.js";
import { type RequestFields, requestIdempotencyKey, withinRequest, withRetry } from "../stripe/index.js";

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

/** The fields of billing's bodies that Stripe gets, by Stripe's names. */
const fields: RequestFields = {
  success_url: "/successUrl",
  cancel_url: "/cancelUrl",
  return_url: "/returnUrl",
  proration_date: "/prorationDate",
};

/** Runs calls to Stripe for a request. @throws Failure for each error of Stripe's */
export const withProviderFailures = <T>(run: () => Promise<T>): Promise<T> => withinRequest("billing", run, fields);

/** The same after the request's transaction has committed. */
export const afterCommitAtStripe = <T>(run: () => Promise<T>): AfterCommit<T> =>
  afterCommit(() => withProviderFailures(run));
