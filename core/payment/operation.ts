import * as z from "zod";
import { defineJob } from "../kernel/job/index.js";
import { OperationId, PaymentId } from "./payment.sql.js";
import { isFinal, type RefundState, type Snapshot } from "./provider.js";
import type { KnownOperation, KnownPayment, PaymentState } from "./state.js";

/** Performs an operation whose request could not, or that was requested by no request. */
export const operatePaymentJob = defineJob("payment.operate", z.object({ operationId: OperationId }));

/** Ends an attempt at its provider, and with the last attempt the order. */
export const closePaymentJob = defineJob("payment.close", z.object({ paymentId: PaymentId }));

/** A capture, refund or void to request from a provider. */
export interface OperationRequest {
  paymentId: string;
  kind: KnownOperation["kind"];
  /** Minor units; 0 means all that is there. */
  amount: number;
  reason?: string;
  /** A second request with the same key is the first one. */
  requestKey?: string;
}

/** The state of an operation after the provider's answer. */
export interface OperationChange {
  id: string;
  status: KnownOperation["status"];
  reference?: string | null;
  /** The reason why the operation will never happen. */
  failure?: { code: string; message: string };
}

/** The amount of a payment that can still be captured or refunded, in minor units; a void needs no amount. */
export function remaining(kind: OperationRequest["kind"], payment: KnownPayment): number {
  const { authorized, captured, pendingCapture, refunded, pendingRefund } = payment;
  if (kind === "capture") return authorized - captured - pendingCapture;
  return kind === "refund" ? captured - refunded - pendingRefund : 0;
}

/** A request, unless its amount is not there or it was made before. */
export function newRequest(
  { operations }: Pick<PaymentState, "operations">,
  payment: KnownPayment,
  request: Omit<OperationRequest, "paymentId">,
): OperationRequest | undefined {
  const { kind, amount, requestKey } = request;
  if (amount > remaining(kind, payment)) return undefined;
  if (requestKey !== undefined && operations.some((made) => made.requestKey === requestKey)) return undefined;
  return { paymentId: payment.id, ...request };
}

/** The request key of the capture that follows by itself when an order is placed. */
const captureKey = ({ id }: Pick<KnownPayment, "id">) => `capture ${id}`;

/** The capture that follows by itself; none where the staff captures. */
export function requestFullCapture(state: Pick<PaymentState, "operations">, payment: KnownPayment) {
  const amount = remaining("capture", payment);
  if (!payment.capturesAutomatically || amount <= 0) return undefined;
  return newRequest(state, payment, { kind: "capture", amount, requestKey: captureKey(payment) });
}

/**
 * The operations that a snapshot shows as done or failed, also when the answer to their own call was lost. A refund that
 * has succeeded may fail later.
 */
export function finishOperations(
  { operations }: Pick<PaymentState, "operations">,
  payment: KnownPayment,
  snapshot: Snapshot,
): OperationChange[] {
  const refunds = new Map(snapshot.refunds.map((refund) => [refund.operationId, refund]));
  const changeOf = ({ id, kind }: KnownOperation): OperationChange => {
    const refund = refunds.get(id);
    if (refund?.status === "failed") return { id, status: "failed", failure: failureOf(refund) };
    if (kind === "refund") return { id, status: refund?.status ?? "pending" };
    const isDone = kind === "capture" ? snapshot.captures.includes(id) : isFinal(snapshot);
    return { id, status: isDone ? "succeeded" : "pending" };
  };
  return operations
    .filter(({ paymentId, status }) => paymentId === payment.id && status !== "failed")
    .map((operation) => ({ before: operation.status, change: changeOf(operation) }))
    .filter(({ before, change }) => change.status !== "pending" && canBecome(before, change.status))
    .map(({ change }) => change);
}

/** An operation that has ended stays as it is, except that a refund may still fail. */
const canBecome = (before: KnownOperation["status"], after: KnownOperation["status"]) =>
  before === "pending" || (before === "succeeded" && after === "failed");

const failureOf = ({ failure = "refund_failed" }: RefundState) => ({
  code: failure,
  message: "The provider reports that the refund did not arrive.",
});

type PendingOperation = Pick<KnownOperation, "paymentId" | "kind" | "amount">;

/** The operations that still wait for the provider, those that are requested now included. */
export function pendingOperations(
  { operations }: Pick<PaymentState, "operations">,
  changes: readonly OperationChange[],
  requests: readonly OperationRequest[],
): PendingOperation[] {
  const ended = new Set(changes.filter(({ status }) => status !== "pending").map(({ id }) => id));
  return [...operations.filter(({ id, status }) => status === "pending" && !ended.has(id)), ...requests];
}

/**
 * The amounts that pending operations keep for themselves, as far as they are there: the merchant may have captured or
 * refunded in the provider's dashboard meanwhile.
 */
export function pendingAmounts(payment: KnownPayment, pending: readonly PendingOperation[]) {
  const { id, authorized, captured, refunded } = payment;
  const sum = (wanted: PendingOperation["kind"]) =>
    pending.reduce((all, { paymentId, kind, amount }) => all + (paymentId === id && kind === wanted ? amount : 0), 0);
  return {
    pendingCapture: Math.min(sum("capture"), authorized - captured),
    pendingRefund: Math.min(sum("refund"), captured - refunded),
  };
}

/** The state with new operations, whose amounts are pending. */
export function withOperations(state: PaymentState, added: readonly KnownOperation[]): PaymentState {
  const operations = [...state.operations, ...added];
  const pending = pendingOperations({ operations }, [], []);
  const payments = state.payments.map((payment) => ({ ...payment, ...pendingAmounts(payment, pending) }));
  return { ...state, operations, payments };
}

/** The snapshot of a synchronous payment after an operation was done: the row is all there is to know. */
export function snapshotAfter(payment: KnownPayment, { id, kind, amount }: KnownOperation): Snapshot {
  return {
    reference: null,
    status: kind === "void" ? "voided" : "waiting",
    amount: payment.amount,
    currency: payment.currency,
    authorized: payment.authorized,
    captured: payment.captured + (kind === "capture" ? amount : 0),
    failures: [],
    refunds: kind === "refund" ? [{ reference: id, amount, status: "succeeded", operationId: id }] : [],
    captures: kind === "capture" ? [id] : [],
    fee: 0,
  };
}
