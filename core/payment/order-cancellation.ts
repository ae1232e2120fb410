import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { type AfterCommit, afterCommit } from "../kernel/after-commit.js";
import { db, read } from "../kernel/db.js";
import { notFound, OutcomeUnknown } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { enqueue } from "../kernel/job/index.js";
import { requireVersion } from "../kernel/version.js";
import { Cancellation, clearMoot, isCancellable, notCancellable, Order, OrderId } from "../order/index.js";
import { openAttemptsQuery } from "./attempt.js";
import { closeAttempt } from "./expiry.js";
import type { Fact } from "./fact.js";
import { traceFacts } from "./fact-trace.js";
import { closePaymentJob, type OperationRequest, withOperations } from "./operation.js";
import { performOperation } from "./provider-call.js";
import { closeReturned, refundOrVoid } from "./refund-back.js";
import { completeOperations, insertOperations, updatePayment } from "./snapshot.js";
import { type KnownPayment, lockPayments, type PaymentState, paymentIn } from "./state.js";

/** A job performs an operation whose request died before it called the provider. Seconds. */
const JOB_DELAY = 60;

/**
 * Cancels a pending or open order: its goods are for sale again, its money goes back, its attempts are closed at their
 * providers. A second request finds the cancelled order.
 * @throws Failure not_found, stale, or conflict `order.not_cancellable`
 */
export const cancelOrder = fn(
  Cancellation.extend({ id: OrderId, version: z.int().optional() }),
  ({ id: orderId, version, ...cancellation }) =>
    db(async (tx) => {
      const state = await requireState(orderId, version);
      return state.order.status === "cancelled" ? undefined : cancelLocked(tx, state, cancellation);
    }),
);

/**
 * The same for the order's own shopper, as long as it is pending: the sale of a placed order is the merchant's.
 * @throws Failure not_found, stale, or conflict `order.not_cancellable`
 */
export const cancelPendingOrder = fn(
  z.object({ id: OrderId, version: z.int().optional() }),
  ({ id: orderId, version }) =>
    db(async (tx) => {
      const state = await requireState(orderId, version);
      if (state.order.status === "cancelled") return undefined;
      if (state.order.status !== "pending") throw notCancellable(state.order);
      return cancelLocked(tx, state, { reason: "requested_by_shopper" });
    }),
);

async function requireState(orderId: string, version: number | undefined): Promise<PaymentState> {
  const state = await lockPayments({ orderId });
  if (!state) throw notFound("order");
  requireVersion("order", state.order, version);
  return state;
}

interface Terms {
  reason: string;
  restock?: boolean;
  note?: string | undefined;
}

/**
 * Cancels an order whose payments are locked. Money that comes later, because the shopper paid or a capture was under
 * way in the same moment, finds a closed payment of a cancelled order and goes back as well.
 * @returns the calls of the providers, which follow the commit; a job makes each of them, too
 * @throws Failure conflict `order.not_cancellable`
 */
export async function cancelLocked(tx: Tx, state: PaymentState, terms: Terms): Promise<AfterCommit<void> | undefined> {
  const { order } = state;
  if (!isCancellable(order)) throw notCancellable(order);
  const { payments, requests, facts, refunded } = returnPayments(state);
  await Order.cancel(tx, order, terms.reason, { ...terms, from: ["pending", "open"], refunded });
  traceFacts(tx, { orderId: order.id, currency: order.currency }, facts);
  for (const payment of payments) if (paymentIn(state, payment.id).accepted) updatePayment(tx, payment);
  const operations = insertOperations(tx, state, requests, JOB_DELAY);
  const after = { ...order, ...clearMoot(order), status: "cancelled" as const, amountApplied: 0 };
  const requested = withOperations({ ...state, payments, order: after }, operations);
  const remote = await completeOperations(tx, requested, operations);
  for (const { paymentId } of remote) updatePayment(tx, paymentIn(requested, paymentId));
  // Another attempt may have begun while the lock of the order was awaited; since then none can.
  const attempts = await read((q) => openAttemptsQuery(q, order.id));
  for (const { id } of attempts) enqueue(closePaymentJob, { paymentId: id }, { key: `${id} cancelled` });
  if (remote.length + attempts.length === 0) return undefined;
  return afterCommit(async () => {
    for (const { id } of remote) await performOperation(id).catch(leaveToJob);
    for (const { id } of attempts) await closeAttempt({ paymentId: id }).catch(leaveToJob);
  });
}

/** The provider did not answer: the job goes on asking, and the operation is shown as pending. */
function leaveToJob(error: unknown): void {
  if (!(error instanceof OutcomeUnknown)) throw error;
}

interface Returned {
  payments: readonly KnownPayment[];
  requests: readonly OperationRequest[];
  facts: readonly Fact[];
  /** The part of the sale that was refunded before, in minor units. */
  refunded: number;
}

/** Lets all accepted payments of an order go: each is refunded or voided, and counts no more. Pure. */
function returnPayments(state: PaymentState): Returned {
  const accepted = state.payments.filter((payment) => payment.accepted);
  const requests = accepted.flatMap((payment) => (hasMoney(payment) && refundOrVoid(state, payment, REASON)) || []);
  const { payments, facts } = closeReturned(state.payments, requests, REASON);
  return {
    payments: payments.map((one) => (one.accepted ? { ...one, accepted: false, isClosed: true } : one)),
    requests,
    facts,
    refunded: accepted.reduce((sum, { refunded }) => sum + refunded, 0),
  };
}
const REASON = "order_cancelled";

/** An authorization that was voided or has expired needs no void, and a payment of 0 nothing at all. */
const hasMoney = ({ authorized, captured, isClosed }: KnownPayment) => captured > 0 || (authorized > 0 && !isClosed);
