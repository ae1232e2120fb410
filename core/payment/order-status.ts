import type { PaymentStatus } from "../order/order.sql.js";
import type { KnownEvent, KnownOrder, KnownPayment, PaymentState } from "./state.js";

export type StatusEvent = Pick<KnownEvent, "type" | "amount" | "reference">;

/** The status that the latest of these events gives a payment of which nothing is authorized yet. */
const statusByLastEvent: Partial<Record<KnownEvent["type"], PaymentStatus>> = {
  action_required: "pending",
  processing: "processing",
  failed: "failed",
};

const sum = (events: readonly StatusEvent[]) => events.reduce((all, { amount }) => all + amount, 0);

/**
 * The status of a payment, or of several that share an order: derived from their events only.
 * @param amount the amount to be paid, in minor units
 * @param events the oldest first
 */
export function statusOf(amount: number, events: readonly StatusEvent[]): PaymentStatus {
  const of = (...types: StatusEvent["type"][]) => events.filter(({ type }) => types.includes(type));
  const captured = sum(of("captured"));
  const succeeded = new Set(of("refunded").map(({ reference }) => reference));
  // A refund that failed before it had succeeded was never subtracted.
  const failed = of("refund_failed").filter(({ reference }) => succeeded.has(reference));
  const refunded = sum(of("refunded")) - sum(failed);
  if (captured > 0 && refunded >= captured) return "refunded";
  if (refunded > 0) return "partially_refunded";
  if (captured >= amount) return "captured";
  if (captured > 0) return "partially_captured";
  if (of("voided", "expired").length > 0) return "voided";
  // An earlier step may be reported after the authorization.
  if (of("authorized").length > 0) return "authorized";
  const last = events.findLast(({ type }) => type in statusByLastEvent);
  return (last && statusByLastEvent[last.type]) ?? "pending";
}

/** An order's part of the decision, as it is before or afterwards. */
export type OrderState = Pick<KnownOrder, "status" | "amountApplied" | "paymentStatus" | "attention" | "concerns">;

export const orderStateOf = ({
  status,
  amountApplied,
  paymentStatus,
  attention,
  concerns,
}: KnownOrder): OrderState => ({
  ...{ status, amountApplied, paymentStatus },
  ...{ attention, concerns },
});

/** Whether the order was placed and not cancelled. */
export const isPlaced = ({ status }: Pick<OrderState, "status">) => status === "open" || status === "completed";

/** Events by payment, the oldest payment first; events of the open transaction come after those of the same payment. */
const sortByPayment = (events: readonly KnownEvent[]) =>
  events.toSorted((a, b) => (a.paymentId === b.paymentId ? 0 : a.paymentId < b.paymentId ? -1 : 1));

/**
 * The payment status of an order: from the events of its accepted payments, or of the latest attempt as long as no
 * payment is accepted. TypeIDs sort by their time of creation.
 */
export function orderPaymentStatus(
  { total }: Pick<KnownOrder, "total">,
  payments: readonly KnownPayment[],
  events: readonly KnownEvent[],
): PaymentStatus {
  const all = sortByPayment(events);
  const counting = eventsOfAccepted(payments, all);
  const latest = all.at(-1)?.paymentId;
  return statusOf(total, counting.length > 0 ? counting : all.filter(({ paymentId }) => paymentId === latest));
}

function eventsOfAccepted(payments: readonly KnownPayment[], events: readonly KnownEvent[]) {
  const accepted = new Set(payments.filter((payment) => payment.accepted).map(({ id }) => id));
  return events.filter(({ paymentId }) => accepted.has(paymentId));
}

/** Whether all of an order is captured for the first time; refunds in the meantime do not matter. */
export function becomesPaid(
  { order: { total }, events }: Pick<PaymentState, "order" | "events">,
  payments: readonly KnownPayment[],
  newEvents: readonly KnownEvent[],
): boolean {
  const captured = (some: readonly KnownEvent[]) =>
    sum(eventsOfAccepted(payments, some).filter(({ type }) => type === "captured"));
  const before = captured(events);
  return before < total && before + captured(newEvents) >= total;
}

/** After so many declined tries of an unpaid order the staff should look at it: somebody may try stolen cards. */
export const DECLINES_TO_FLAG = 5;
/** After so many, its attempt is closed at the provider. */
export const DECLINES_TO_CLOSE = 10;

/** The declined tries of an unpaid order; 0 once it is placed. */
export const countDeclines = ({ status }: Pick<OrderState, "status">, events: readonly KnownEvent[]): number =>
  status === "pending" ? events.filter(({ type }) => type === "failed").length : 0;
