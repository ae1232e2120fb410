import type { Snapshot } from "./provider.js";
import type { Known, KnownEvent, KnownPayment, NewEvent } from "./state.js";

/**
 * The events of a snapshot that were not reported before, the oldest first. A refund that is known to have failed is not
 * reported as succeeded any more: that snapshot is an older one.
 */
export function newEvents({ payment, events }: Known, snapshot: Snapshot): NewEvent[] {
  const seen = new Set(events.filter(({ paymentId }) => paymentId === payment.id).map(keyOf));
  return reportedEvents(payment, snapshot).filter(({ type, reference }) => {
    const isOld = type === "refunded" && seen.has(keyOf({ type: "refund_failed", reference }));
    const isNew = !isOld && !seen.has(keyOf({ type, reference }));
    seen.add(keyOf({ type, reference }));
    return isNew;
  });
}

const keyOf = ({ type, reference }: Pick<KnownEvent, "type" | "reference">) => `${type} ${reference}`;

/** All that a snapshot says, as events; the reference of an event is the same however often it is reported. */
function reportedEvents(payment: KnownPayment, snapshot: Snapshot): NewEvent[] {
  const { status, authorized, captured, fee } = snapshot;
  const event = (type: NewEvent["type"], amount: number, reference: string, data = {}): NewEvent => ({
    paymentId: payment.id,
    type,
    amount,
    reference,
    data,
  });
  const events = snapshot.failures.map(({ reference, ...data }) => event("failed", payment.amount, reference, data));
  if (status === "action_required" || status === "processing") events.push(event(status, payment.amount, status));
  if (authorized > payment.authorized) {
    events.push(event("authorized", authorized - payment.authorized, `to ${authorized}`));
  }
  if (captured > payment.captured) {
    events.push(event("captured", captured - payment.captured, `to ${captured}`, { fee }));
  }
  for (const { reference, amount, status: state, operationId, failure } of snapshot.refunds) {
    // A refund that succeeded may fail days later; an older snapshot never takes the failure back.
    if (state === "succeeded") events.push(event("refunded", amount, reference, { operationId }));
    if (state === "failed")
      events.push(event("refund_failed", amount, reference, { operationId, ...(failure && { code: failure }) }));
  }
  if (status === "voided" || status === "expired") events.push(event(status, payment.amount, "end"));
  return events;
}

/** The sums of a payment after new events: they only grow, except that a refund may fail after it had succeeded. */
export function sumsAfter(known: Known, snapshot: Snapshot, events: readonly NewEvent[]) {
  const { payment } = known;
  const succeeded = succeededRefunds(known);
  const sum = (type: NewEvent["type"]) =>
    events.reduce((all, event) => (event.type === type ? all + event.amount : all), 0);
  const failed = events.filter(({ type, reference }) => type === "refund_failed" && succeeded.has(reference));
  // Stripe records the platform's fee a moment after it has captured the money.
  const feeTaken = Math.max(payment.feeTaken, snapshot.fee);
  return {
    authorized: payment.authorized + sum("authorized"),
    captured: payment.captured + sum("captured"),
    refunded: payment.refunded + sum("refunded") - failed.reduce((all, { amount }) => all + amount, 0),
    feeTaken,
    feeReturned: Math.min(feeTaken, Math.max(payment.feeReturned, snapshot.feeReturned ?? 0)),
  };
}

/** References of the refunds that had succeeded before: only these take something back when they fail. */
export const succeededRefunds = ({ payment, events }: Known): ReadonlySet<string | null> =>
  new Set(
    events
      .filter(({ paymentId, type }) => paymentId === payment.id && type === "refunded")
      .map(({ reference }) => reference),
  );
