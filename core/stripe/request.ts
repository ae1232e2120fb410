import { createHash, randomUUID } from "node:crypto";
import { context, tenantId } from "../kernel/actor.js";
import { OutcomeUnknown, providerUnreachable } from "../kernel/error.js";
import { withDeadline } from "./client.js";

/** The deadline of all calls to Stripe in one request, which has 20 s in all. Milliseconds. */
const DEADLINE = 14_000;

/**
 * Runs calls to Stripe within a deadline, because a client waits for the answer.
 * @throws Failure unavailable `payment.provider_unreachable` or `billing.provider_unreachable` when Stripe does not answer
 */
export async function withinRequest<T>(area: "payment" | "billing", run: () => Promise<T>): Promise<T> {
  try {
    return await withDeadline(DEADLINE, run);
  } catch (error) {
    if (!(error instanceof OutcomeUnknown)) throw error;
    throw area === "billing"
      ? providerUnreachable("billing.provider_unreachable", "Stripe")
      : providerUnreachable("payment.provider_unreachable");
  }
}

/**
 * The idempotency key of a call to Stripe that this request makes for one purpose: the same when the request is
 * repeated under its own key, random for a request without a key.
 */
export function requestIdempotencyKey(area: string, ...purpose: readonly unknown[]): string {
  const { requestKey = randomUUID() } = context();
  const hash = createHash("sha256").update(JSON.stringify([tenantId(), requestKey, ...purpose]));
  return `${area}/${hash.digest("hex")}`;
}
