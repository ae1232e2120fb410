import { hasConcern, type NewEntry } from "../order/index.js";
import { type Fact, factOf, factsOf } from "./fact.js";
import { attentionAfter, entryOf } from "./fact-trace.js";
import { feePosting, type LedgerPosting, postingsOf } from "./ledger.js";
import { finishOperations, type OperationChange, pendingAmounts, pendingOperations } from "./operation.js";
import { applyToOrder, type Decision, type OrderOutcome, orderOutcome } from "./order-outcome.js";
import { becomesPaid, countDeclines, DECLINES_TO_FLAG, isPlaced, orderPaymentStatus } from "./order-status.js";
import { isFinal, type Outcome, type Snapshot } from "./provider.js";
import { closeReturned, type IncidentChange, openNotReturned, refundWhole, returnIncidents } from "./refund-back.js";
import { newEvents, succeededRefunds, sumsAfter } from "./snapshot-event.js";
import {
  type Known,
  type KnownOperation,
  type KnownPayment,
  type NewEvent,
  type PaymentState,
  paymentIn,
} from "./state.js";

/** A provider's report: the state of a payment, the answer to one of our operations, or both. */
export interface Report {
  snapshot?: Snapshot | undefined;
  answer?: Answer | undefined;
}
export interface Answer {
  operationId: string;
  outcome: Outcome;
  /** Whether the caller who requested the operation is answered its outcome. */
  isAnswered?: boolean;
}

/** All that follows from a report; `snapshot.ts` writes it. */
export interface Effects extends Decision {
  outcome: OrderOutcome;
  /** The events that are reported for the first time, the oldest first, and the ledger's side of each. */
  events: readonly NewEvent[];
  postings: readonly (LedgerPosting | undefined)[];
  /** The posting of the change in the platform's fee. */
  fee: LedgerPosting | undefined;
  operations: readonly OperationChange[];
  /** Whether all of the order is captured for the first time. */
  isPaid: boolean;
  incidents: readonly IncidentChange[];
}

/**
 * Decides the effects of a provider's report, without a database. Sums only grow and each event counts once, so that
 * reports may come late, twice and in any order.
 * @returns the effects, whose payments are those that change
 */
export function diff(known: Known, { snapshot, answer }: Report): Effects {
  const reported = snapshot ? compare(known, snapshot) : emptyEffects(known);
  const effects = answer ? finishOperation(known, reported, answer) : reported;
  const pending = pendingOperations(known, effects.operations, effects.requests);
  const payments = effects.payments.map((payment) => ({ ...payment, ...pendingAmounts(payment, pending) }));
  return {
    ...effects,
    order: attentionAfter(effects.order, effects.facts),
    payments: payments.filter((payment) => isChanged(known, payment)),
  };
}

/** The entries of the effects in the order's timeline. */
export const timelineOf = (
  { facts }: Pick<Effects, "facts">,
  { currency }: Pick<KnownPayment, "currency">,
): NewEntry[] => facts.map((fact) => entryOf(fact, currency));

/** Whether the order's body shows the effects, so that its version moves with them. */
export function isVisible(known: Known, { facts, requests, operations, payments, order }: Effects): boolean {
  const isNamed = payments.some(({ id, reference }) => reference !== paymentIn(known, id).reference);
  const isEnded = operations.some(({ status }) => status !== "pending");
  const { paymentStatus, concerns } = known.order;
  const isMoved = order.paymentStatus !== paymentStatus || order.concerns !== concerns;
  return facts.length + requests.length > 0 || isNamed || isEnded || isMoved;
}

/** The state once the effects are written; requested operations have no id before that. */
export function stateAfter(known: PaymentState, effects: Effects): PaymentState {
  const statuses = new Map(effects.operations.map(({ id, status }) => [id, status]));
  return {
    order: { ...known.order, ...effects.order },
    payments: known.payments.map((before) => effects.payments.find(({ id }) => id === before.id) ?? before),
    events: [...known.events, ...effects.events],
    operations: known.operations.map((one) => ({ ...one, status: statuses.get(one.id) ?? one.status })),
  };
}

const emptyEffects = (known: Known): Effects => ({
  ...applyToOrder(known, known.payment, "none"),
  outcome: "none",
  events: [],
  postings: [],
  fee: undefined,
  operations: [],
  isPaid: false,
  incidents: [],
});

function isChanged({ payments }: Known, after: KnownPayment): boolean {
  const before = payments.find(({ id }) => id === after.id);
  return !before || (Object.keys(after) as (keyof KnownPayment)[]).some((name) => before[name] !== after[name]);
}

/** A payment of another amount or currency than its attempt is not the payment that we requested. */
const matches = (payment: KnownPayment, { amount, currency }: Snapshot): boolean =>
  amount === payment.amount && currency === payment.currency;

function compare(known: Known, snapshot: Snapshot): Effects {
  if (!matches(known.payment, snapshot)) return refuseMismatch(known, snapshot);
  const events = newEvents(known, snapshot);
  const operations = finishOperations(known, known.payment, snapshot);
  const payment = paymentAfter(known, snapshot, events, operations);
  const outcome = orderOutcome(known, payment, events, snapshot);
  const decision = applyToOrder(known, payment, outcome);
  return {
    ...emptyEffects(known),
    ...decision,
    ...paymentStatusAfter(known, decision, events),
    outcome,
    events,
    operations,
    facts: [...decision.facts, ...factsOf(known, events, operations), ...declinesOf(known, decision, events)],
    postings: postingsAfter(known, decision, events),
    fee: feePosting(known.payment, payment),
    incidents: known.payment.isClosed && !payment.accepted ? returnIncidents(payment, events) : [],
  };
}

/** The fact that many tries to pay an unpaid order were declined; told once, until the staff has reviewed it. */
function declinesOf(known: Known, { order }: Decision, events: readonly NewEvent[]): Fact[] {
  const declines = countDeclines(order, [...known.events, ...events]);
  const isNews = countDeclines(order, events) > 0 && !hasConcern(order, "payments_declined");
  if (declines < DECLINES_TO_FLAG || !isNews) return [];
  const fact = factOf("payments_declined", known.payment, known.payment.amount, { declines });
  return [{ ...fact, subject: known.order.id, actor: { type: "provider", provider: known.payment.provider } }];
}

function paymentAfter(
  known: Known,
  snapshot: Snapshot,
  events: readonly NewEvent[],
  operations: readonly OperationChange[],
): KnownPayment {
  const { payment } = known;
  const isClosed = payment.isClosed || events.some(({ type }) => type === "voided" || type === "expired");
  const reference = payment.reference ?? snapshot.reference;
  const after = { ...payment, ...sumsAfter(known, snapshot, events), reference, isClosed };
  return { ...after, ...pendingAmounts(after, pendingOperations(known, operations, [])) };
}

/** "Paid" and the other payment statuses of the order, derived from the events of its payments. */
function paymentStatusAfter(known: Known, { order, payments }: Decision, events: readonly NewEvent[]) {
  if (events.length === 0) return { order };
  const paymentStatus = orderPaymentStatus(known.order, payments, [...known.events, ...events]);
  return { order: { ...order, paymentStatus }, isPaid: becomesPaid(known, payments, events) };
}

function postingsAfter(known: Known, { order, payments }: Decision, events: readonly NewEvent[]) {
  const { payment } = known;
  const accepted = payments.some(({ id, accepted: counts }) => id === payment.id && counts);
  const after = { ...known.order, ...order };
  return postingsOf({ payment, accepted, order: after, succeeded: succeededRefunds(known) }, events);
}

/**
 * Refuses a payment of another amount or currency than was requested: it counts for no order, its money goes back, and
 * an incident records it.
 */
function refuseMismatch(known: Known, snapshot: Snapshot): Effects {
  const { payment } = known;
  const { reference, amount, currency, authorized, captured } = snapshot;
  const after = { ...payment, reference, isClosed: payment.isClosed || isFinal(snapshot) };
  const isTaken = authorized > 0 && !isFinal(snapshot);
  const request = isTaken ? refundWhole(known, after, "amount_mismatch", captured) : undefined;
  const requests = request ? [request] : [];
  const data = {
    orderId: payment.orderId,
    expected: { amount: payment.amount, currency: payment.currency },
    said: { amount, currency },
    reference,
  };
  const isKnown = payment.isClosed && !request;
  const { payments } = applyToOrder(known, after, "none");
  return {
    ...emptyEffects(known),
    ...closeReturned(payments, requests, "amount_mismatch"),
    requests,
    operations: finishOperations(known, payment, snapshot),
    incidents: isKnown ? [] : [{ kind: "payment.amount_mismatch", reference: payment.id, data }],
  };
}

/** Ends an operation by the provider's answer; one that has ended stays as it is, and one that is under way waits. */
function finishOperation(known: Known, effects: Effects, { operationId: id, outcome, isAnswered }: Answer): Effects {
  const operation = known.operations.find((one) => one.id === id && one.status === "pending");
  if (!operation || effects.operations.some((change) => change.id === id)) return effects;
  const finish = (change: OperationChange) => ({ ...effects, operations: [...effects.operations, change] });
  if (outcome.status === "failed") {
    const { code, message } = outcome;
    const failed = finish({ id, status: "failed", failure: { code, message } });
    return addFailure(known, failed, operation, { code, error: `${code}: ${message}`, isAnswered });
  }
  // A refund has succeeded when the provider lists it as such.
  const status = operation.kind === "refund" ? "pending" : outcome.status;
  return finish({ id, status, reference: outcome.reference });
}

interface OperationFailure {
  code: string;
  error: string;
  isAnswered?: boolean | undefined;
}

/** Adds the fact that an operation has failed. It asks for attention where no caller is answered it. */
function addFailure(known: Known, effects: Effects, operation: KnownOperation, failure: OperationFailure): Effects {
  const { id: operationId, kind, amount } = operation;
  const payment = effects.payments.find(({ id }) => id === known.payment.id) ?? known.payment;
  // A capture or a void also fails because the merchant has captured, voided or cancelled meanwhile.
  const isMoot =
    (kind === "capture" && (payment.captured >= payment.amount || !isPlaced(effects.order))) ||
    (kind === "void" && (payment.captured > 0 || payment.isClosed));
  const { isAnswered, ...about } = failure;
  const fact: Fact = {
    ...factOf(`${kind}_failed`, payment, amount, { operationId, kind, ...about }),
    subject: kind === "refund" ? operationId : payment.id,
    actor: { type: "provider", provider: payment.provider },
    isAnswered: isAnswered === true || isMoot,
  };
  // A void that fails because the payment was captured meanwhile is followed by a refund.
  const isKept = !payment.accepted && (kind === "refund" || payment.captured === 0);
  return {
    ...effects,
    facts: [...effects.facts, fact],
    incidents: isKept ? [...effects.incidents, openNotReturned(payment)] : effects.incidents,
  };
}
