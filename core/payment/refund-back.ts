import { type Fact, factOf } from "./fact.js";
import { newRequest, type OperationRequest } from "./operation.js";
import type { KnownEvent, KnownPayment, PaymentState } from "./state.js";

type Operations = Pick<PaymentState, "operations">;

/**
 * The refund or void of a payment that cannot be applied to its order: at most once for each captured amount, so that
 * money which is captured after the first one goes back as well.
 */
export function refundOrVoid(known: Operations, payment: KnownPayment, reason: string): OperationRequest | undefined {
  const { captured, refunded, pendingRefund } = payment;
  const left = captured - refunded - pendingRefund;
  const isOnItsWay = captured > 0 && left === 0;
  return isOnItsWay ? undefined : requestBack(known, payment, { reason, captured, amount: left });
}

/** The same for a payment of another amount than was requested, whose money is in none of our sums. */
export const refundWhole = (known: Operations, payment: KnownPayment, reason: string, captured: number) =>
  requestBack(known, payment, { reason, captured, amount: 0 });

function requestBack(
  known: Operations,
  payment: KnownPayment,
  { reason, captured, amount }: { reason: string; captured: number; amount: number },
): OperationRequest | undefined {
  const key = `return ${payment.id}`;
  if (captured === 0) return newRequest(known, payment, { kind: "void", amount: 0, reason, requestKey: key });
  return newRequest(known, payment, { kind: "refund", amount, reason, requestKey: `${key} ${captured}` });
}

/** Payments whose money is requested back: their attempts are closed, and the order's history says why. */
export function closeReturned(
  payments: readonly KnownPayment[],
  requests: readonly OperationRequest[],
  reason: string,
): { payments: KnownPayment[]; facts: Fact[] } {
  const back = payments.filter(({ id }) => requests.some(({ paymentId }) => paymentId === id));
  return {
    payments: payments.map((one) => (back.includes(one) ? { ...one, isClosed: true } : one)),
    facts: back.map((one) => factOf("payment_returned", one, one.captured || one.authorized || one.amount, { reason })),
  };
}

/** An incident to open, with its data, or to resolve, with the resolution. */
export interface IncidentChange {
  kind: "payment.not_returned" | "payment.amount_mismatch";
  reference: string;
  data?: Record<string, unknown>;
  resolution?: string;
}

/** Money that should have gone back did not: only the merchant can return it now. */
export const openNotReturned = ({ id, orderId, captured, refunded, currency }: KnownPayment): IncidentChange => ({
  kind: "payment.not_returned",
  reference: id,
  data: { orderId, amount: captured - refunded, currency },
});

const resolveNotReturned = ({ id }: KnownPayment): IncidentChange => ({
  kind: "payment.not_returned",
  reference: id,
  resolution: "The payment was refunded.",
});

/** The changes that the refunds of a closed attempt make to its incident. */
export function returnIncidents(payment: KnownPayment, events: readonly KnownEvent[]): IncidentChange[] {
  if (events.some(({ type }) => type === "refund_failed")) return [openNotReturned(payment)];
  const isRefunded = events.some(({ type }) => type === "refunded") && payment.refunded >= payment.captured;
  return isRefunded ? [resolveNotReturned(payment)] : [];
}
