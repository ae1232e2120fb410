import { createHash, randomUUID } from "node:crypto";
import type Stripe from "stripe";
import { context, tenantId } from "../kernel/actor.js";
import { type AfterCommit, afterCommit } from "../kernel/after-commit.js";
import { conflict, Failure, OutcomeUnknown } from "../kernel/error.js";
import { isStripeError, refusalOf, withDeadline, withRetry } from "../stripe/index.js";

/**
 * The idempotency key of a call to Stripe that this request makes for one purpose: the same when the request is
 * repeated under its own key. A request without a key is one of its own.
 */
export function keyOf(...purpose: readonly unknown[]): string {
  const { requestKey = randomUUID() } = context();
  const hash = createHash("sha256").update(JSON.stringify([tenantId(), requestKey, ...purpose]));
  return `billing/${hash.digest("hex")}`;
}

/** A write at Stripe under one key, however often it has to be sent. @throws OutcomeUnknown */
export const under = <T>(idempotencyKey: string, run: (options: Stripe.RequestOptions) => Promise<T>): Promise<T> =>
  withRetry(() => run({ idempotencyKey }));

/** All calls of one request together; it has 20 s in all. Milliseconds. */
const PATIENCE = 14_000;

/**
 * What Stripe is asked for somebody who waits.
 * @throws Failure unavailable when Stripe does not answer, conflict `billing.payment_declined` when a card is refused
 */
export async function answering<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await withDeadline(PATIENCE, run);
  } catch (error) {
    throw failureOf(error);
  }
}

/** The same, once the request is committed. */
export const afterwards = <T>(run: () => Promise<T>): AfterCommit<T> => afterCommit(() => answering(run));

/** What Stripe's refusal means to whoever asked. */
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
