import { createHash, randomUUID } from "node:crypto";
import { context, tenantId } from "../kernel/actor.js";
import {
  conflict,
  Failure,
  invalidField,
  OutcomeUnknown,
  providerFault,
  providerUnreachable,
} from "../kernel/error.js";
import { withDeadline } from "./client.js";
import { faultSideOf, isStripeError, refusalOf } from "./fault.js";

/** The deadline of all calls to Stripe in one request, which has 20 s in all. Milliseconds. */
const DEADLINE = 14_000;

/** The part of the API that a failure belongs to; it is the first word of its code. */
type Area = "payment" | "billing";

/** The fields of a request's body by Stripe's names of them: `{ return_url: "/returnUrl" }`. */
export type RequestFields = Readonly<Record<string, string>>;

/**
 * Runs calls to Stripe within a deadline, because a client waits for the answer. Each of Stripe's errors becomes the
 * failure of whoever has to act.
 * @param fields the fields at fault when Stripe refuses a parameter
 * @throws Failure by the table of `requestFailureOf`
 */
export async function withinRequest<T>(area: Area, run: () => Promise<T>, fields: RequestFields = {}): Promise<T> {
  try {
    return await withDeadline(DEADLINE, run);
  } catch (error) {
    throw requestFailureOf(area, error, fields) ?? error;
  }
}

/** The failures that are not the caller's, by the area of the request. */
const ours: Record<Area, Record<"fault" | "unreachable", (cause: unknown) => Failure>> = {
  billing: {
    fault: (cause) => providerFault("billing.provider_fault", "Stripe", cause),
    unreachable: (cause) => providerUnreachable("billing.provider_unreachable", "Stripe", cause),
  },
  payment: {
    fault: (cause) => providerFault("payment.provider_fault", undefined, cause),
    unreachable: (cause) => providerUnreachable("payment.provider_unreachable", undefined, cause),
  },
};

/**
 * The failure that a client gets for an error of Stripe's; undefined for any other error. Stripe has answered nothing:
 * 503. The payer's bank or card: 409. The merchant's account is not connected: 409. A field of the request: 422. All
 * others are ours: 502, with an alarm.
 */
export function requestFailureOf(area: Area, error: unknown, fields: RequestFields = {}): Failure | undefined {
  if (error instanceof Failure) return error;
  if (error instanceof OutcomeUnknown) {
    return ours[area][faultSideOf(error.cause) === "platform" ? "fault" : "unreachable"](error.cause);
  }
  const refusal = refusalOf(error);
  if (!refusal || !isStripeError(error)) return undefined;
  const data = { reason: refusal.code };
  switch (faultSideOf(error)) {
    case "payer":
      if (area === "payment") return refused(data);
      return conflict(
        "billing.payment_action_required",
        "The bank asks the payer to confirm the payment. Pay the open invoice at its `url` in `GET /v1/billing/invoices`.",
        { data },
      );
    case "card":
      if (area === "payment") return refused(data);
      return conflict(
        "billing.payment_declined",
        "The payment was declined, and the plan has not changed. Add another card and retry.",
        { data },
      );
    case "account":
      return conflict("payment.provider_unavailable", "The merchant's payment account is no longer connected.");
    default: {
      const pointer = fields[fieldOf(refusal.param)];
      if (pointer !== undefined) return invalidField(pointer, `is refused by Stripe: ${error.message}`);
      return ours[area].fault(error);
    }
  }
}

const refused = (data: { reason: string }): Failure =>
  conflict("payment.refused", "The provider refused the payment; see `reason`.", { data });

/** The innermost name of a parameter: `proration_date` of `subscription_details[proration_date]`. */
const fieldOf = (param = ""): string => /\[(\w+)\]$/.exec(param)?.[1] ?? param;

/**
 * The idempotency key of a call to Stripe that this request makes for one purpose: the same when the request is
 * repeated under its own key, random for a request without a key.
 */
export function requestIdempotencyKey(area: string, ...purpose: readonly unknown[]): string {
  const { requestKey = randomUUID() } = context();
  const hash = createHash("sha256").update(JSON.stringify([tenantId(), requestKey, ...purpose]));
  return `${area}/${hash.digest("hex")}`;
}
