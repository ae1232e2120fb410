import { createHash, randomUUID } from "node:crypto";
import type Stripe from "stripe";
import { context, tenantId } from "../kernel/actor.js";
import { type AfterCommit, afterCommit } from "../kernel/after-commit.js";
import { conflict, Failure, OutcomeUnknown } from "../kernel/error.js";
import { isStripeError, refusalOf, withDeadline, withRetry } from "../stripe/index.js";

/**
 * The idempotency key of a call to Stripe that this request makes for one purpose: the same when the request is
 * repeated under its own key, random for a request without a key.
 */
export function idempotencyKeyOf(...purpose: readonly unknown[]): string {
  const { requestKey = randomUUID() } = context();
  const hash = createHash("sha256").update(JSON.stringify([tenantId(), requestKey, ...purpose]));
  return `billing/${hash.digest("hex")}`;
}

/**
 * Sends a write to Stripe, and repeats it under the same idempotency key until Stripe has decided.
 * @throws OutcomeUnknown
 */
export const withIdempotencyKey = <T>(
  idempotencyKey: string,
  run: (options: Stripe.RequestOptions) => Promise<T>,
): Promise<T> => withRetry(() => run({ idempotencyKey }));

/** The deadline of all calls to Stripe in one request, which has 20 s in all. Milliseconds. */
const PATIENCE = 14_000;

/**
 * Runs calls to Stripe within a deadline, because a client waits for the answer.
 * @throws Failure unavailable when Stripe does not answer, conflict `billing.payment_declined` when a card is refused
 */
export async function withProviderFailures<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await withDeadline(PATIENCE, run);
  } catch (error) {
    throw failureOf(error);
  }
}

/** The same after the request's transaction has committed. */
export const afterCommitAtStripe = <T>(run: () => Promise<T>): AfterCommit<T> =>
  afterCommit(() => withProviderFailures(run));

/** The failure that tells the client of an unknown outcome or a declined card; any other error is returned as it is. */
function failureOf(error: unknown): unknown {
  if (error instanceof OutcomeUnknown) {
    return new Failure(
      "unavailable",
      "billing.provider_unreachable",
      "Stripe did not answer. Retry with the same Idempotency-Key after `Retry-After` seconds.",
      {
        retryAfter: 2,
      },
    );
  }
  const refusal = refusalOf(error);
  if (!refusal || !isStripeError(error) || error.type !== "StripeCardError") return error;
  const data = { reason: refusal.code };
  return conflict(
    "billing.payment_declined",
    "The payment was declined, and the plan has not changed. Add another card and retry.",
    { data },
  );
}
