import type Stripe from "stripe";
import { Failure, OutcomeUnknown } from "../../kernel/error.js";
import { ratio } from "../../kernel/money.js";
import {
  type CreateOrFindResult,
  createOrFind,
  idOf,
  isKeyExpired,
  listAll,
  refusalOf,
  roundDown,
  type StripeAccount,
  toStripe,
  withIdempotencyKey,
  withRetry,
} from "../../stripe/index.js";
import type { Attempt, Operation, Outcome } from "../provider.js";
import { isMulticapture, metadataOf, retrieveAttempt } from "./retrieval.js";

/** An operation on the payment that Stripe knows under the id `intent`. */
interface StripeOperation {
  place: StripeAccount;
  attempt: Attempt;
  operation: Operation;
  intent: string;
}

/**
 * Performs an operation, or finds that it was performed before, because a refusal counts only when Stripe shows that
 * the operation was not performed.
 * @throws OutcomeUnknown when Stripe's answers do not decide that
 */
export async function operateAtStripe(place: StripeAccount, attempt: Attempt, operation: Operation): Promise<Outcome> {
  try {
    const intent = attempt.reference ?? (await retrieveAttempt(place, attempt))?.intent?.id;
    if (!intent) return unknownPayment(operation);
    return await kinds[operation.kind]({ place, attempt, operation, intent });
  } catch (error) {
    // An amount that the currency does not have at Stripe; an account that is not connected any more.
    const refusal = error instanceof Failure && error.kind === "conflict" ? error : refusalOf(error);
    if (!refusal) throw error;
    return { status: "failed", code: refusal.code, message: refusal.message };
  }
}

const unknownPayment = ({ kind }: Operation): Outcome =>
  kind === "void"
    ? { status: "succeeded", reference: null }
    : { status: "failed", code: "payment_unknown", message: "The provider has no payment to capture or refund." };

const kinds = { capture, refund, void: voidIntent } satisfies Record<
  Operation["kind"],
  (wanted: StripeOperation) => unknown
>;

const keyExpired: Outcome = {
  status: "failed",
  code: "operation_expired",
  message:
    "The provider did not confirm the operation in time, and it can no longer be retried safely. Request it again.",
};

/** Makes the call only while Stripe remembers the key; afterwards it only looks for the result. */
async function performOnce<T>(
  { operation }: StripeOperation,
  ask: () => Promise<T>,
  find: () => Promise<T | undefined>,
  outcome: (done: T) => Outcome,
): Promise<Outcome> {
  if (isKeyExpired(operation.createdAt)) {
    const found = await find();
    return found === undefined ? keyExpired : outcome(found);
  }
  const answer: CreateOrFindResult<T> = await createOrFind(ask, find);
  if ("done" in answer) return outcome(answer.done);
  const { code, message } = answer.refusal;
  return { status: "failed", code, message };
}

const read = ({ place: { stripe, options }, intent }: StripeOperation) =>
  withRetry(() => stripe.paymentIntents.retrieve(intent, { expand: ["latest_charge"] }, options));

const chargeOf = ({ latest_charge: charge }: Stripe.PaymentIntent) => (typeof charge === "object" ? charge : null);

/** Stripe's metadata has 50 places. */
const PLACES = 45;

/** Whether this may be one capture of several: only where the charge says so. */
async function keepsAuthorization(wanted: StripeOperation): Promise<boolean> {
  if (wanted.operation.final) return false;
  const intent = await read(wanted);
  const card = chargeOf(intent)?.payment_method_details?.card;
  return card?.multicapture?.status === "available" && Object.keys(intent.metadata).length < PLACES;
}

/**
 * The platform's share of a partial capture, rounded down to an amount that Stripe can move, but never 0 for a payment
 * with a fee: Stripe then requires a fee in each capture.
 */
function captureFeeOf({ fee, amount, currency }: Attempt, part: number): number {
  const share = roundDown(ratio(fee, part, amount, "down"), currency);
  return toStripe(Math.max(share, roundDown(fee, currency) > 0 ? 1 : 0), currency);
}

async function capture(wanted: StripeOperation): Promise<Outcome> {
  const { place, attempt, operation, intent } = wanted;
  const { id, amount } = operation;
  const part = amount > 0 && amount < attempt.amount;
  const params: Stripe.PaymentIntentCaptureParams = {
    ...(amount > 0 && { amount_to_capture: toStripe(amount, attempt.currency) }),
    ...(part && attempt.fee > 0 && { application_fee_amount: captureFeeOf(attempt, amount) }),
    ...((await keepsAuthorization(wanted)) && { final_capture: false }),
    metadata: { [id]: String(amount) },
  };
  return performOnce(
    wanted,
    () => place.stripe.paymentIntents.capture(intent, params, withIdempotencyKey(place, id)),
    async () => {
      const seen = await read(wanted);
      return seen.metadata[id] === undefined ? undefined : seen;
    },
    ({ status, latest_charge }) => {
      return { status: status === "processing" ? "pending" : "succeeded", reference: idOf(latest_charge) };
    },
  );
}

/** How long Stripe may take to record the platform's fee of a charge. Milliseconds. */
const BOOKING = 600_000;

/**
 * Whether the platform returns its share of the refunded amount, because it earns no fee from a sale that is undone.
 * The share is returned by the same call as the refund, so that neither happens alone; Stripe computes it in
 * proportion. For a payment with several captures Stripe returns no part of a fee.
 * @see https://docs.stripe.com/payments/multicapture#refunds
 * @throws OutcomeUnknown while Stripe has not recorded the fee
 */
async function refundsFee(wanted: StripeOperation): Promise<boolean> {
  if (wanted.attempt.fee === 0) return false;
  const intent = await read(wanted);
  const charge = chargeOf(intent);
  if (isMulticapture(intent) || !charge?.application_fee_amount) return false;
  if (charge.application_fee) return true;
  if (Date.now() - Date.parse(wanted.operation.createdAt) > BOOKING) return false;
  throw new OutcomeUnknown("Stripe has not recorded the application fee yet; the refund is retried.");
}

async function refund(wanted: StripeOperation): Promise<Outcome> {
  const { place, attempt, operation, intent } = wanted;
  const { stripe, options } = place;
  const { id, amount } = operation;
  const params: Stripe.RefundCreateParams = {
    payment_intent: intent,
    ...(amount > 0 && { amount: toStripe(amount, attempt.currency) }),
    ...((await refundsFee(wanted)) && { refund_application_fee: true }),
    metadata: { ...metadataOf(attempt), stoa_operation: id },
  };
  const find = async () => {
    for await (const one of listAll((page) => stripe.refunds.list({ payment_intent: intent, ...page }, options))) {
      if (one.metadata?.stoa_operation === id) return one;
    }
    return undefined;
  };
  return performOnce(wanted, () => stripe.refunds.create(params, withIdempotencyKey(place, id)), find, refundOutcome);
}

function refundOutcome({ id: reference, status, failure_reason: reason }: Stripe.Refund): Outcome {
  if (status === "succeeded") return { status, reference };
  if (status !== "failed" && status !== "canceled") return { status: "pending", reference };
  return { status: "failed", code: reason ?? "refund_failed", message: "The refund failed." };
}

/** Whether no more of the payment can be captured: it was canceled, or its rest was released after a capture. */
const isVoided = ({ status, amount, amount_received }: Stripe.PaymentIntent) =>
  status === "canceled" || (status === "succeeded" && amount_received < amount);

async function voidIntent(wanted: StripeOperation): Promise<Outcome> {
  const { place, operation, intent } = wanted;
  const { paymentIntents } = place.stripe;
  const released: Outcome = { status: "succeeded", reference: intent };
  const find = async () => {
    const seen = await read(wanted);
    return isVoided(seen) ? seen : undefined;
  };
  const seen = await read(wanted);
  if (isVoided(seen)) return released;
  if (seen.amount_received > 0 && seen.status === "requires_capture") {
    const nothing = { amount_to_capture: 0, final_capture: true };
    return performOnce(
      wanted,
      () => paymentIntents.capture(intent, nothing, withIdempotencyKey(place, operation.id)),
      find,
      () => released,
    );
  }
  return performOnce(
    wanted,
    () => paymentIntents.cancel(intent, {}, withIdempotencyKey(place, operation.id)),
    find,
    () => released,
  );
}
