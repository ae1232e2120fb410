import { and, eq, inArray, sql } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { recordUse } from "../entitlement/index.js";
import { Incident } from "../incident/index.js";
import { actorRecord } from "../kernel/actor.js";
import { db, defer } from "../kernel/db.js";
import { emit } from "../kernel/event/index.js";
import { enqueue } from "../kernel/job/index.js";
import { insertRows } from "../kernel/rows.js";
import { Ledger } from "../ledger/index.js";
import { Order, OrderPaid, orderMeter } from "../order/index.js";
import { emitFact } from "./fact-trace.js";
import {
  closePaymentJob,
  type OperationChange,
  type OperationRequest,
  operatePaymentJob,
  snapshotAfter,
} from "./operation.js";
import { countDeclines, DECLINES_TO_CLOSE } from "./order-status.js";
import { OperationId, PaymentEventId, paymentEventTable, paymentOperationTable, paymentTable } from "./payment.sql.js";
import { providerOf, type Snapshot } from "./provider.js";
import type { IncidentChange } from "./refund-back.js";
import { type Answer, diff, type Effects, isVisible, stateAfter, timelineOf } from "./snapshot-diff.js";
import {
  type Known,
  type KnownOperation,
  type KnownPayment,
  lockPayments,
  type NewEvent,
  type PaymentState,
  paymentIn,
} from "./state.js";

/**
 * Writes a provider's report of a payment: the only way by which an order becomes paid. It may run at any time, any
 * number of times and concurrently: first the locks, then the decision, then the writes.
 * @param answer the provider's answer to one of our operations
 */
export const applySnapshot = (paymentId: string, snapshot: Snapshot | undefined, answer?: Answer): Promise<void> =>
  db(async (tx) => {
    const known = await lockPayment(paymentId);
    const effects = diff(known, { snapshot, answer });
    const isSoldOut = effects.outcome === "open" && !(await Order.deductGoods(known.order));
    await writeEffects(tx, known, isSoldOut ? diff({ ...known, isSoldOut }, { snapshot, answer }) : effects);
  });

async function lockPayment(paymentId: string): Promise<Known> {
  const state = await lockPayments({ paymentId });
  if (!state) throw new Error("The payment does not exist.");
  return { ...state, payment: paymentIn(state, paymentId) };
}

/** Writes the effects of a report, in the transaction that holds the locks. */
async function writeEffects(tx: Tx, known: Known, effects: Effects): Promise<void> {
  const eventIds = insertEvents(tx, effects.events);
  updateOperations(tx, effects.operations);
  for (const payment of effects.payments) updatePayment(tx, payment);
  await updateOrder(tx, known, effects);
  recordInLedger(tx, known.payment, effects, eventIds);
  for (const change of effects.incidents) await changeIncident(change);
  emitEvents(known, effects);
  closeAfterDeclines(known, effects);
  const requested = insertOperations(tx, known, effects.requests);
  const state = stateAfter(known, effects);
  await completeOperations(tx, { ...state, operations: [...state.operations, ...requested] }, requested);
}

/** Ends an attempt of which too many tries were declined, so that no more cards are tried on it. */
function closeAfterDeclines({ payment: { id: paymentId }, events }: Known, { order, events: added }: Effects): void {
  if (added.length === 0 || countDeclines(order, [...events, ...added]) < DECLINES_TO_CLOSE) return;
  enqueue(closePaymentJob, { paymentId }, { key: `declines ${paymentId}` });
}

/** The lock of the payment keeps events from being written twice; the unique key would refuse the second one. */
function insertEvents(tx: Tx, events: readonly NewEvent[]): string[] {
  const rows = events.map((event) => ({ id: PaymentEventId.create(), ...event }));
  if (rows.length > 0) defer(insertRows(tx, paymentEventTable, rows));
  return rows.map(({ id }) => id);
}

function updateOperations(tx: Tx, changes: readonly OperationChange[]): void {
  const { id: operationId, status: before } = paymentOperationTable;
  for (const { id, status, reference, failure } of changes) {
    defer(
      tx
        .update(paymentOperationTable)
        .set({
          status,
          ...(status !== "pending" && { finishedAt: sql`now()` }),
          ...(reference !== undefined && { reference }),
          ...(failure && { error: `${failure.code}: ${failure.message}` }),
        })
        // A refund that has succeeded may fail later.
        .where(and(eq(operationId, id), inArray(before, status === "failed" ? ["pending", "succeeded"] : ["pending"]))),
    );
  }
}

/** @param payment as it is afterwards; the CHECKs of the table hold its sums */
export function updatePayment(tx: Tx, payment: KnownPayment): void {
  const { authorized, captured, refunded, pendingCapture, pendingRefund, feeTaken, feeReturned } = payment;
  const { id, reference, accepted, isClosed } = payment;
  defer(
    tx
      .update(paymentTable)
      .set({
        ...{ authorized, captured, refunded, pendingCapture, pendingRefund, feeTaken, feeReturned },
        ...{ reference, accepted },
        ...(accepted && { expiresAt: null }),
        ...(isClosed && { closedAt: sql`coalesce(${paymentTable.closedAt}, now())` }),
      })
      .where(eq(paymentTable.id, id)),
  );
}

/**
 * Writes requests down before their providers are called; a job performs each, even if the process that made it dies.
 * The lock of the payments keeps a request from being written twice; the unique key would refuse the second one.
 * @param delay seconds until the job is due
 */
export function insertOperations(
  tx: Tx,
  state: PaymentState,
  requests: readonly OperationRequest[],
  delay = 0,
): KnownOperation[] {
  if (requests.length === 0) return [];
  const rows = requests.map(({ reason, requestKey = null, ...request }) => ({
    ...{ id: OperationId.create(), status: "pending" as const, requestKey, actor: actorRecord() },
    ...(reason !== undefined && { reason }),
    ...request,
  }));
  defer(insertRows(tx, paymentOperationTable, rows));
  for (const { id, paymentId } of rows) {
    const { provider } = paymentIn(state, paymentId);
    if (!providerOf(provider).synchronous) enqueue(operatePaymentJob, { operationId: id }, { key: id, delay });
  }
  return rows;
}

/**
 * Performs the operations of synchronous providers and writes their results, in the transaction that requested them.
 * @returns the other operations, which are performed after the commit
 */
export async function completeOperations(
  tx: Tx,
  requested: PaymentState,
  operations: readonly KnownOperation[],
): Promise<KnownOperation[]> {
  const remote: KnownOperation[] = [];
  let state = requested;
  for (const operation of operations) {
    const payment = paymentIn(state, operation.paymentId);
    const provider = providerOf(payment.provider);
    if (!provider.synchronous) {
      remote.push(operation);
      continue;
    }
    await provider.operate(tx, payment, operation);
    const known = { ...state, payment };
    const effects = diff(known, { snapshot: snapshotAfter(payment, operation) });
    await writeEffects(tx, known, effects);
    state = stateAfter(known, effects);
  }
  return remote;
}

/** The order's part, in one conditional statement where a payment counts for it. */
async function updateOrder(tx: Tx, known: Known, effects: Effects): Promise<void> {
  const { order: before, payment } = known;
  const { outcome, order } = effects;
  const { status, paymentStatus, attention, concerns } = order;
  const progress = { paymentStatus, attention, concerns };
  const cancelled = { id: before.id, attention, concerns };
  if (outcome === "cancel") await Order.cancel(tx, cancelled, "out_of_stock");
  if (outcome === "end") await Order.cancel(tx, cancelled, "payment_voided", { from: ["pending", "open"] });
  if (outcome === "apply" || outcome === "open") {
    const applied = await Order.applyPayment(tx, before.id, payment.amount, { status, ...progress });
    if (!applied) throw new Error("The order was changed without its lock.");
    if (outcome === "open") await recordUse(orderMeter);
  } else if (isVisible(known, effects)) {
    Order.updateProgress(tx, before.id, progress);
  }
  Order.addToTimeline(tx, before.id, timelineOf(effects, payment));
}

function recordInLedger(
  tx: Tx,
  { id }: KnownPayment,
  { postings, fee, payments }: Effects,
  eventIds: readonly string[],
): void {
  for (const [index, posting] of postings.entries()) {
    const reference = eventIds[index];
    if (posting && reference) Ledger.recordLater(tx, posting.kind, reference, posting.entries);
  }
  const after = payments.find((payment) => payment.id === id);
  if (fee && after) Ledger.recordLater(tx, fee.kind, `${id} ${after.feeTaken} ${after.feeReturned}`, fee.entries);
}

async function changeIncident({ kind, reference, data, resolution }: IncidentChange): Promise<void> {
  if (data) await Incident.open(kind, reference, data);
  if (resolution) await Incident.resolveAutomatically(kind, reference, resolution);
}

function emitEvents({ order, payment }: Known, { facts, isPaid }: Effects): void {
  const { orderId } = payment;
  for (const fact of facts) emitFact(fact, payment);
  if (isPaid)
    emit(OrderPaid, { orderId, number: order.number, amount: { amount: order.total, currency: order.currency } });
}
