import { clearMoot, isCancellable, raiseAttention } from "../order/index.js";
import { type Fact, factOf } from "./fact.js";
import { type OperationRequest, requestFullCapture } from "./operation.js";
import { isPlaced, type OrderState, orderStateOf } from "./order-status.js";
import { isFinal, type Snapshot } from "./provider.js";
import { closeReturned, refundOrVoid } from "./refund-back.js";
import type { Known, KnownPayment, NewEvent } from "./state.js";

/**
 * The effect that a snapshot of one payment has on its order:
 * - `apply`: the payment counts, and the order waits for the rest of its total;
 * - `open`: the payment completes the total, and the order is placed;
 * - `cancel`: the same, but the goods are gone, so that every payment goes back;
 * - `refund`: the payment cannot count, and goes back alone;
 * - `end`: the staff voided the last money of the order, so that the order is cancelled;
 * - `flag_lost`: the authorization of a placed order expired, or was voided outside of Stoa.
 */
export type OrderOutcome = "none" | "apply" | "open" | "cancel" | "refund" | "end" | "flag_lost";

/** @param payment the reported payment with its new sums */
export function orderOutcome(
  known: Known,
  payment: KnownPayment,
  events: readonly NewEvent[],
  snapshot: Snapshot,
): OrderOutcome {
  const has = (...types: NewEvent["type"][]) => events.some(({ type }) => types.includes(type));
  if (payment.accepted && has("voided", "expired")) {
    if (!isVoidRequested(known)) return "flag_lost";
    return isLastMoney(known, payment) ? "end" : "none";
  }
  if (payment.accepted) return "none";
  if (payment.authorized === 0 || isFinal(snapshot)) return "none";
  if (known.payment.isClosed) return has("authorized", "captured") ? "refund" : "none";
  const { status, amountApplied, total } = known.order;
  const applied = amountApplied + payment.amount;
  if (status !== "pending" || applied > total) return "refund";
  if (applied < total) return "apply";
  return known.isSoldOut ? "cancel" : "open";
}

const isVoidRequested = ({ operations, payment }: Known) =>
  operations.some(({ paymentId, kind, status }) => paymentId === payment.id && kind === "void" && status !== "failed");

/** Whether nothing of an order that can be cancelled is authorized or captured any more, once this payment is voided. */
const isLastMoney = ({ order, payments }: Known, payment: KnownPayment) =>
  isCancellable(order) &&
  payment.captured === 0 &&
  payments.every((one) => one.id === payment.id || !one.accepted || (one.isClosed && one.captured === 0));

/** The changes that an outcome makes. */
export interface Decision {
  /** All payments of the order, as they are afterwards. */
  payments: readonly KnownPayment[];
  /** Captures, refunds and voids that follow by themselves. */
  requests: readonly OperationRequest[];
  order: OrderState;
  /** The facts about the payment and its order, in the order of the history. */
  facts: readonly Fact[];
}

export function applyToOrder(known: Known, payment: KnownPayment, outcome: OrderOutcome): Decision {
  const order = orderStateOf(known.order);
  const payments = known.payments.map((one) => (one.id === payment.id ? payment : one));
  const accepted = payments.map((one) => (one.id === payment.id ? { ...one, accepted: true } : one));
  const applied = { ...order, amountApplied: order.amountApplied + payment.amount };
  switch (outcome) {
    case "none":
      return { payments, requests: [], order, facts: [] };
    case "apply":
      return { payments: accepted, requests: [], order: applied, facts: [] };
    case "open":
      return {
        payments: accepted,
        requests: accepted.flatMap((one) => (one.accepted && requestFullCapture(known, one)) || []),
        order: { ...applied, status: "open" },
        facts: [factOf("placed", payment, known.order.total)],
      };
    case "cancel":
      return cancelOrder(known, accepted);
    case "end": {
      const ended = { ...order, ...clearMoot(order), status: "cancelled" as const, amountApplied: 0 };
      return {
        payments: payments.map((one) => ({ ...one, accepted: false })),
        requests: [],
        order: ended,
        facts: [],
      };
    }
    case "refund": {
      const reason = known.payment.isClosed ? "attempt_closed" : "order_not_payable";
      return { ...refundOrVoidAll(known, payments, [payment.id], reason), order };
    }
    case "flag_lost": {
      const lost = factOf("payment_lost", payment, payment.amount);
      return { payments, requests: [], order, facts: isPlaced(order) ? [lost] : [] };
    }
  }
}

function cancelOrder(known: Known, accepted: readonly KnownPayment[]): Decision {
  const refused = accepted.map((one) => ({ ...one, accepted: false }));
  const which = accepted.filter((one) => one.accepted).map(({ id }) => id);
  const order: OrderState = { ...orderStateOf(known.order), status: "cancelled", amountApplied: 0 };
  const concern = { code: "money_returned", reference: known.order.id };
  return {
    ...refundOrVoidAll(known, refused, which, "out_of_stock"),
    order: { ...order, ...raiseAttention(clearMoot(order), [concern]) },
  };
}

/** Refunds or voids payments. */
function refundOrVoidAll(known: Known, payments: readonly KnownPayment[], which: readonly string[], reason: string) {
  const requests = payments.flatMap((one) => (which.includes(one.id) && refundOrVoid(known, one, reason)) || []);
  return { ...closeReturned(payments, requests, reason), requests };
}
