import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { context } from "../kernel/actor.js";
import { type AfterCommit, afterCommit } from "../kernel/after-commit.js";
import { db } from "../kernel/db.js";
import { conflict, type Failure, notFound, OutcomeUnknown } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { Amount } from "../kernel/money.js";
import { line } from "../kernel/text.js";
import { requireVersion } from "../kernel/version.js";
import { Order, OrderId } from "../order/index.js";
import { acceptOrder, awaitedPayment, decline } from "./acceptance.js";
import { type OperationRequest, remaining, requestFullCapture, withOperations } from "./operation.js";
import { cancelLocked } from "./order-cancellation.js";
import { providerOf } from "./provider.js";
import { performOperation } from "./provider-call.js";
import { completeOperations, insertOperations, updatePayment } from "./snapshot.js";
import { type KnownOperation, type KnownPayment, lockPayments, type PaymentState, paymentIn } from "./state.js";

const amount = Amount.min(1).optional().meta({ description: "Minor units; the whole remaining amount when omitted" });
export const Capture = z.strictObject({ amount });
export const Refund = z.strictObject({
  amount,
  reason: line(500).optional().describe("For the order's timeline; shoppers do not see it"),
});

const OrderOperation = z.object({ id: OrderId, version: z.int().optional(), amount: Capture.shape.amount });
type OrderOperationRequest = z.output<typeof OrderOperation> & { reason?: string | undefined };
type Kind = OperationRequest["kind"];

/** Captures the payments of an order. @throws Failure not_found, conflict or stale */
export const capture = fn(OrderOperation, (request) => operateOrder("capture", request));
/** Refunds the payments of an order. @throws Failure not_found, conflict or stale */
export const refund = fn(OrderOperation.extend({ reason: Refund.shape.reason }), (request) =>
  operateOrder("refund", request),
);
/** Voids the authorizations of an order of which nothing was captured. @throws Failure not_found, conflict or stale */
export const voidAuthorization = fn(OrderOperation.omit({ amount: true }), (request) => operateOrder("void", request));

/** A job performs an operation whose request died before it called the provider. Seconds. */
const JOB_DELAY = 60;

/**
 * Requests operations of the order's payments. Concurrent requests wait for the locks, and the CHECKs on the payments'
 * sums are the last limit. Remote providers are called after the commit. A retry of the request finds the operations of
 * the first one.
 */
const operateOrder = (kind: Kind, request: OrderOperationRequest): Promise<AfterCommit<void> | undefined> =>
  db(async (tx) => {
    const found = await lockPayments({ orderId: request.id });
    if (!found) throw notFound("order");
    const { requestKey } = context();
    const before = requestKey === undefined ? [] : findByRequestKey(found, requestKey);
    if (before.length > 0) return performOperations(kind, before);
    const awaited = awaitedPayment(found);
    if (awaited && kind === "void") return decline(tx, found, awaited, request.version);
    // Whoever takes the money of an order that waits for the staff has accepted it.
    const state = awaited && kind === "capture" ? await acceptOrder(tx, found, awaited) : found;
    if (kind === "capture" && state.order.status === "cancelled") {
      throw conflict("order.cancelled", "The order is cancelled, so its payments cannot be captured.");
    }
    // Without its payments a pending order has nothing to wait for.
    if (kind === "void" && state.order.status === "pending") return voidPending(tx, state, request);
    const payments = operable(kind, state);
    const parts = allocate(kind, payments, request.amount);
    if (!parts) throw exceedsFailure(kind, payments);
    requireVersion("order", state.order, request.version);
    const operations = insertOperations(tx, state, toRequests(kind, parts, request, requestKey), JOB_DELAY);
    const requested = withOperations(state, operations);
    const remote = await completeOperations(tx, requested, operations);
    for (const { paymentId } of remote) updatePayment(tx, paymentIn(requested, paymentId));
    // An operation that is done has moved the version with its fact.
    if (remote.length > 0) Order.updateProgress(tx, state.order.id, {});
    return remote.length > 0 ? performOperations(kind, remote) : undefined;
  });

function voidPending(tx: Tx, state: PaymentState, { version }: OrderOperationRequest) {
  requireVersion("order", state.order, version);
  return cancelLocked(tx, state, { reason: "payment_voided" });
}

/** Whether a new order is paid as it is placed: its provider needs no call, and no capture by the staff. */
export function isCapturedAtCheckout(providerName: string): boolean {
  const { synchronous, capture } = providerOf(providerName);
  return synchronous && capture === "automatic";
}

/** Captures the accepted payment of an order in the transaction that has placed it. */
export async function captureAtCheckout(tx: Tx, orderId: string): Promise<void> {
  const state = await lockPayments({ orderId });
  if (!state) throw new Error("The order does not exist.");
  const requests = acceptedIn(state).flatMap((payment) => requestFullCapture(state, payment) ?? []);
  const operations = insertOperations(tx, state, requests);
  await completeOperations(tx, withOperations(state, operations), operations);
}

/** Of a cancelled order, money whose automatic refund has failed is refunded by hand, though no payment counts any more. */
const operable = (kind: Kind, state: PaymentState) =>
  kind === "refund" && state.order.status === "cancelled" ? state.payments : acceptedIn(state);

const acceptedIn = ({ payments }: PaymentState) => payments.filter((payment) => payment.accepted);

/** One request may take from several payments. */
const keyOf = (requestKey: string, paymentId: string) => `${requestKey} ${paymentId}`;

const findByRequestKey = ({ operations }: PaymentState, requestKey: string) =>
  operations.filter((operation) => operation.requestKey === keyOf(requestKey, operation.paymentId));

interface Part {
  payment: KnownPayment;
  amount: number;
}

const toRequests = (kind: Kind, parts: readonly Part[], { reason }: OrderOperationRequest, requestKey?: string) =>
  parts.map(
    ({ payment: { id: paymentId }, amount: part }): OperationRequest => ({
      ...{ paymentId, kind, amount: part },
      ...(reason !== undefined && { reason }),
      ...(requestKey !== undefined && { requestKey: keyOf(requestKey, paymentId) }),
    }),
  );

const performOperations = (kind: Kind, operations: readonly KnownOperation[]) =>
  afterCommit(async () => {
    for (const { id } of operations) {
      const outcome = await performOperation(id, true).catch((error: unknown) => {
        if (!(error instanceof OutcomeUnknown)) throw error;
        return undefined; // its job goes on asking; the operation is shown as pending
      });
      if (outcome?.status === "failed") throw operationFailures[kind](outcome.message, outcome.code);
    }
  });

/** The amount of a payment that the staff can still request, in minor units; a closed attempt allows refunds only. */
function remainingOf(kind: Kind, payment: KnownPayment): number {
  if (kind === "refund") return remaining(kind, payment);
  return payment.isClosed ? 0 : remaining("capture", payment);
}

/** Takes the amount from one payment after the other. @returns undefined when the amount is not there */
function allocate(kind: Kind, payments: readonly KnownPayment[], wanted: number | undefined): Part[] | undefined {
  const open = payments
    .map((payment) => ({ payment, left: remainingOf(kind, payment) }))
    .filter(({ left }) => left > 0);
  if (kind === "void") {
    const untouched = open.filter(({ payment }) => payment.captured + payment.pendingCapture === 0);
    return untouched.length > 0 ? untouched.map(({ payment }) => ({ payment, amount: 0 })) : undefined;
  }
  let rest = wanted ?? open.reduce((sum, { left }) => sum + left, 0);
  if (rest < 1) return undefined;
  const parts = open.map(({ payment, left }) => {
    const part = Math.min(left, rest);
    rest -= part;
    return { payment, amount: part };
  });
  return rest > 0 ? undefined : parts.filter(({ amount: part }) => part > 0);
}

function exceedsFailure(kind: Kind, payments: readonly KnownPayment[]): Failure {
  const left = payments.reduce((sum, payment) => sum + remainingOf(kind, payment), 0);
  return exceedsFailures[kind]({ left });
}

const exceedsFailures = {
  capture: (data: { left: number }) =>
    conflict("payment.capture_exceeds", "The amount exceeds what is left to capture; see `left`.", { data }),
  refund: (data: { left: number }) =>
    conflict("payment.refund_exceeds", "The amount exceeds what is left to refund; see `left`.", { data }),
  void: () =>
    conflict("payment.not_voidable", "The order has no voidable authorization. Refund captured amounts instead."),
};

const operationFailures = {
  capture: (detail: string, reason: string) => conflict("payment.capture_failed", detail, { data: { reason } }),
  refund: (detail: string, reason: string) => conflict("payment.refund_failed", detail, { data: { reason } }),
  void: (detail: string, reason: string) => conflict("payment.void_failed", detail, { data: { reason } }),
};
