import type Stripe from "stripe";
import { fromStripe, listAll, type StripeAccount, withRetry } from "../../stripe/index.js";
import type { Attempt, RefundState, Snapshot } from "../provider.js";
import { capturesOf, isMulticapture, retrieveAttempt, type StripeAttempt } from "./retrieval.js";

type Status = Snapshot["status"];
type Failures = Snapshot["failures"];

/** All that Stripe says of an attempt now; undefined while Stripe does not know it. @throws OutcomeUnknown */
export async function snapshotOf(place: StripeAccount, attempt: Attempt): Promise<Snapshot | undefined> {
  const seen = await retrieveAttempt(place, attempt);
  if (!seen) return undefined;
  const { intent, session } = seen;
  if (!intent) return session && unpaidSession(session);
  const charge = typeof intent.latest_charge === "object" ? intent.latest_charge : null;
  const given = charge ? await refundsOf(place, intent, charge) : [];
  const minor = (amount: number) => fromStripe(amount, intent.currency).amount;
  const { amount, currency } = fromStripe(intent.amount, intent.currency);
  return {
    reference: intent.id,
    status: statusOf(seen),
    amount,
    currency,
    // The amount of the charge, also when less of it was captured in the end.
    authorized: charge?.status === "succeeded" ? minor(charge.amount) : 0,
    captured: minor(intent.amount_received),
    failures: await failuresOf(place, intent, charge),
    refunds: given,
    captures: capturesOf(intent),
    ...(await feesOf(place, charge, intent, given)),
  };
}

/** The snapshot of a page on which the shopper has not tried to pay. */
function unpaidSession({ status, amount_total, currency }: Stripe.Checkout.Session): Snapshot {
  return {
    reference: null,
    status: status === "expired" ? "expired" : "waiting",
    ...fromStripe(amount_total ?? 0, currency ?? ""),
    authorized: 0,
    captured: 0,
    failures: [],
    refunds: [],
    captures: [],
    fee: 0,
  };
}

const statuses: Record<string, Status> = {
  requires_payment_method: "waiting",
  requires_confirmation: "waiting",
  requires_action: "action_required",
  processing: "processing",
  requires_capture: "authorized",
  succeeded: "captured",
};

function statusOf({ intent, session }: StripeAttempt): Status {
  if (intent?.status === "canceled") {
    // Stripe cancels an intent whose time is over; every other cancellation was requested.
    const byTime = intent.cancellation_reason === "automatic" || intent.cancellation_reason === "expired";
    return byTime ? "expired" : "voided";
  }
  const status = statuses[intent?.status ?? ""] ?? "waiting";
  return status === "waiting" && session?.status === "expired" ? "expired" : status;
}

/** The refused attempts of the shopper. Stripe lists them only when the intent shows that there was one. */
async function failuresOf(
  { stripe, options }: StripeAccount,
  { id, last_payment_error: last }: Stripe.PaymentIntent,
  charge: Stripe.Charge | null,
): Promise<Failures> {
  if (!last && charge?.status !== "failed") return [];
  const failures: { reference: string; code: string; message: string }[] = [];
  for await (const one of listAll((page) => stripe.charges.list({ payment_intent: id, ...page }, options))) {
    if (one.status !== "failed") continue;
    const { failure_code: code, failure_message: message, outcome } = one;
    failures.unshift({ reference: one.id, code: outcome?.reason ?? code ?? "failed", message: message ?? "" });
  }
  // An attempt that failed at the shopper's authentication has no charge.
  if (last && !last.charge) {
    const reference = `${last.payment_method?.id ?? id} ${last.code ?? last.type}`;
    failures.push({ reference, code: last.decline_code ?? last.code ?? last.type, message: last.message ?? "" });
  }
  return failures;
}

const refundStatuses: Record<string, RefundState["status"]> = {
  pending: "pending",
  requires_action: "pending",
  succeeded: "succeeded",
  failed: "failed",
  canceled: "failed",
};

/**
 * The refunds to the shopper. Stripe also lists the release of an authorized amount among the refunds: that money was
 * never captured, and has no balance transaction.
 */
async function refundsOf(
  place: StripeAccount,
  intent: Stripe.PaymentIntent,
  charge: Stripe.Charge,
): Promise<RefundState[]> {
  if (intent.amount_received === 0) return [];
  const all = await allRefunds(place, intent, charge);
  return all.filter(isRefund).map(({ id, amount, currency, status, metadata, failure_reason: failure }) => ({
    reference: id,
    amount: fromStripe(amount, currency).amount,
    status: refundStatuses[status ?? ""] ?? "pending",
    operationId: metadata?.stoa_operation ?? null,
    ...(failure && { failure }),
  }));
}

const isRefund = ({ status, balance_transaction, metadata }: Stripe.Refund) =>
  status !== "succeeded" || balance_transaction !== null || metadata?.stoa_operation !== undefined;

async function allRefunds(
  { stripe, options }: StripeAccount,
  { id }: Stripe.PaymentIntent,
  { refunds }: Stripe.Charge,
) {
  if (refunds && !refunds.has_more) return refunds.data;
  const all: Stripe.Refund[] = [];
  for await (const one of listAll((page) => stripe.refunds.list({ payment_intent: id, ...page }, options)))
    all.push(one);
  return all;
}

/**
 * The platform's fee on the captured amount, and the part of it that was returned. When all was captured at once and
 * nothing was refunded, the charge has the fee; otherwise the platform's own account has a fee for each capture.
 */
async function feesOf(
  { stripe }: StripeAccount,
  charge: Stripe.Charge | null,
  intent: Stripe.PaymentIntent,
  refunds: readonly RefundState[],
): Promise<Pick<Snapshot, "fee" | "feeReturned">> {
  const minor = (amount: number) => fromStripe(amount, intent.currency).amount;
  const fee = intent.amount_received > 0 ? minor(charge?.application_fee_amount ?? 0) : 0;
  const plain = refunds.length === 0 && intent.amount_received === intent.amount && !isMulticapture(intent);
  if (!charge || fee === 0 || plain) return { fee, feeReturned: 0 };
  const { data } = await withRetry(() => stripe.applicationFees.list({ charge: charge.id, limit: 100 }));
  const booked = data.filter(({ currency }) => currency === intent.currency);
  if (booked.length === 0) return { fee, feeReturned: 0 }; // Stripe records fees a moment later
  return {
    fee: minor(booked.reduce((all, { amount }) => all + amount, 0)),
    feeReturned: minor(booked.reduce((all, { amount_refunded }) => all + amount_refunded, 0)),
  };
}
