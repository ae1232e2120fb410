import type { EventType } from "../kernel/event/index.js";
import { OrderPlaced } from "../order/index.js";
import {
  PaymentActionRequired,
  PaymentAttempted,
  PaymentAuthorized,
  PaymentCaptured,
  PaymentExpired,
  PaymentFailed,
  PaymentLost,
  PaymentOperationFailed,
  PaymentProcessing,
  PaymentRefunded,
  PaymentRefundFailed,
  PaymentReturned,
  PaymentsDeclined,
  PaymentVoided,
} from "./event.js";
import type { OperationChange } from "./operation.js";
import type { Known, KnownOperation, KnownPayment, NewEvent } from "./state.js";

interface FactKind {
  /** The event of its own. */
  event: EventType;
  /** The reason for attention that is added to those of the order, because the staff has to act. */
  raises?: "payment_lost" | "refund_failed" | "capture_failed" | "void_failed" | "payments_declined";
  /** The reasons to which this fact is an answer. */
  answers?: readonly ("refund_failed" | "capture_failed" | "void_failed")[];
}

/**
 * The facts about payments that an order's history tells. Each moves the order's version, is an entry of its timeline
 * and an event; some raise its attention. All traces of a fact follow from this list.
 */
export const paymentFactKinds = {
  placed: { event: OrderPlaced },
  payment_attempted: { event: PaymentAttempted },
  payment_action_required: { event: PaymentActionRequired },
  payment_processing: { event: PaymentProcessing },
  payment_authorized: { event: PaymentAuthorized },
  payment_captured: { event: PaymentCaptured, answers: ["capture_failed", "void_failed"] },
  payment_voided: { event: PaymentVoided, answers: ["capture_failed", "void_failed"] },
  payment_expired: { event: PaymentExpired, answers: ["void_failed"] },
  payment_failed: { event: PaymentFailed },
  payments_declined: { event: PaymentsDeclined, raises: "payments_declined" },
  payment_refunded: { event: PaymentRefunded, answers: ["refund_failed"] },
  payment_refund_failed: { event: PaymentRefundFailed, raises: "refund_failed" },
  payment_lost: { event: PaymentLost, raises: "payment_lost" },
  payment_returned: { event: PaymentReturned },
  capture_failed: { event: PaymentOperationFailed, raises: "capture_failed" },
  refund_failed: { event: PaymentOperationFailed, raises: "refund_failed" },
  void_failed: { event: PaymentOperationFailed, raises: "void_failed" },
} as const satisfies Record<string, FactKind>;
export type PaymentFactType = keyof typeof paymentFactKinds;
export const kindOf = (type: PaymentFactType): FactKind => paymentFactKinds[type];

/** One thing that happened to a payment. */
export interface Fact {
  type: PaymentFactType;
  paymentId: string;
  /** Minor units of the payment's currency. */
  amount: number;
  /** The object of a reason for attention: the refund, or the payment. */
  subject: string;
  /** More about it, for the entry and the event. */
  data: Record<string, unknown>;
  /** The actor, where that is not the caller. */
  actor?: Record<string, unknown>;
  /** True when the caller's answer reports the fact: then it raises no attention. */
  isAnswered?: boolean;
}

/** A fact that is no event of the payment. */
export const factOf = (
  type: PaymentFactType,
  { id: paymentId }: Pick<KnownPayment, "id">,
  amount: number,
  data: Record<string, unknown> = {},
): Fact => ({ type, paymentId, amount, subject: paymentId, data });

const typeOf: Partial<Record<NewEvent["type"], PaymentFactType>> = {
  action_required: "payment_action_required",
  processing: "payment_processing",
  authorized: "payment_authorized",
  captured: "payment_captured",
  voided: "payment_voided",
  expired: "payment_expired",
  failed: "payment_failed",
  refunded: "payment_refunded",
  refund_failed: "payment_refund_failed",
};

/** Turns each new event of a payment into a fact, also an event that changes no status. */
export function factsOf(
  known: Pick<Known, "payment" | "operations">,
  events: readonly NewEvent[],
  changes: readonly OperationChange[],
): Fact[] {
  const provider = { type: "provider", provider: known.payment.provider };
  return events.flatMap((event) => {
    const type = typeOf[event.type];
    if (!type) return [];
    const operation = operationOf(known, event, changes);
    const { paymentId, amount, reference, data } = event;
    const told = { ...data, reference, operationId: operation?.id ?? data.operationId ?? null };
    // The actor who asked for a refund did not make it fail.
    const actor = (type !== "payment_refund_failed" && operation?.actor) || provider;
    return [{ type, paymentId, amount, subject: reference, data: told, actor }];
  });
}

/** Our operation behind an event, as far as the provider says which one it was. */
function operationOf(
  { payment, operations }: Pick<Known, "payment" | "operations">,
  { type, data }: NewEvent,
  changes: readonly OperationChange[],
): KnownOperation | undefined {
  const own = operations.filter(({ paymentId }) => paymentId === payment.id);
  if (type === "refunded" || type === "refund_failed") return own.find(({ id }) => id === data.operationId);
  if (type === "voided") return own.find(({ kind, status }) => kind === "void" && status !== "failed");
  if (type !== "captured") return undefined;
  const made = own.filter(
    ({ id, kind }) => kind === "capture" && changes.some((change) => change.id === id && change.status === "succeeded"),
  );
  return made.length === 1 ? made[0] : undefined;
}
