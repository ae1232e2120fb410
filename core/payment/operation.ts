import { and, eq, inArray, sql } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { actorRecord } from "../kernel/actor.js";
import { db, read } from "../kernel/db.js";
import { emit } from "../kernel/event/index.js";
import { defineJob, enqueue } from "../kernel/job/index.js";
import { orderTimelineTable } from "../order/order.sql.js";
import { entry, flag } from "../order/timeline.js";
import { load } from "./attempt.js";
import { PaymentOperationFailed } from "./event.js";
import { OperationId, paymentOperationTable, paymentTable } from "./payment.sql.js";
import type { Outcome, Snapshot } from "./provider.js";
import { notReturned } from "./refund-back.js";
import { isManual, providerOf } from "./registry.js";
import { type Fresh, lock, type Payment, settle } from "./settle.js";

type Kind = (typeof paymentOperationTable.$inferSelect)["kind"];
export interface Wish {
  kind: Kind;
  /** Minor units; 0 means all that is there. */
  amount: number;
  reason?: string;
  /** A second wish with the same key is the first one. */
  requestKey?: string;
}

/** Asks the provider for what was wished; whoever wished it may have done so already. */
export const operatePaymentJob = defineJob("payment.operate", z.object({ operationId: OperationId }));

/**
 * Writes down what is wanted of a payment, which the caller has locked, and sets its amount aside; a job does it even
 * if nobody else does. @returns undefined when the amount is not there
 */
export async function wish(tx: Tx, payment: Payment, { kind, amount, reason, requestKey }: Wish, delay = 60) {
  const room = {
    capture: payment.authorized - payment.captured - payment.capturing,
    refund: payment.captured - payment.refunded - payment.refunding,
    void: 0,
  };
  if (amount > room[kind]) return undefined;
  const [made] = await tx
    .insert(paymentOperationTable)
    .values({ id: OperationId.create(), paymentId: payment.id, kind, amount, reason, requestKey, actor: actorRecord() })
    .onConflictDoNothing({ target: [paymentOperationTable.tenantId, paymentOperationTable.requestKey] })
    .returning();
  if (!made) return undefined;
  const aside = {
    capture: { capturing: sql`${paymentTable.capturing} + ${amount}` },
    refund: { refunding: sql`${paymentTable.refunding} + ${amount}` },
  };
  if (kind !== "void" && amount > 0)
    await tx.update(paymentTable).set(aside[kind]).where(eq(paymentTable.id, payment.id));
  if (!isManual(payment.provider)) enqueue(operatePaymentJob, { operationId: made.id }, { key: made.id, delay });
  return made;
}

/**
 * Does what was wished: asks the provider, with the wish's id as its key, and writes what came of it. Doing it again
 * finds what was done. @throws OutcomeUnknown when the provider does not say
 */
export async function run(operationId: string): Promise<Outcome | undefined> {
  const [operation] = await read((q) =>
    q.select().from(paymentOperationTable).where(eq(paymentOperationTable.id, operationId)),
  );
  const known = operation && (await load(operation.paymentId));
  if (!known || operation.status !== "pending") return undefined;
  const { attempt, payment } = known;
  const provider = providerOf(payment.provider);
  const left = payment.authorized - payment.captured - operation.amount;
  const outcome = await provider.operate(attempt, { ...operation, final: left <= 0 });
  const snapshot = await provider.snapshot(attempt);
  await db(async (tx) => {
    if (snapshot) await settle(tx, await lock(tx, attempt.id), snapshot);
    await conclude(tx, await lock(tx, attempt.id), operation, outcome);
  });
  return outcome;
}

type Operation = Pick<typeof paymentOperationTable.$inferSelect, "id" | "kind" | "amount" | "requestKey">;

/** What is wanted of `manual` is done by writing it down, in the transaction that wants it. */
export async function finishByHand(tx: Tx, payment: Payment, operation: Operation): Promise<void> {
  const { id, kind, amount } = operation;
  await settle(tx, payment, {
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
  });
}

/** Writes the end of an operation; one that has ended stays as it is, and one that is under way waits. */
async function conclude(tx: Tx, payment: Payment, operation: Operation, outcome: Outcome): Promise<void> {
  const { id, kind } = operation;
  const failed = outcome.status === "failed";
  // A refund has succeeded when the provider lists it as such: settle() says so.
  const waits = outcome.status === "pending" || (kind === "refund" && !failed);
  const error = failed ? `${outcome.code}: ${outcome.message}` : null;
  const reference = failed ? null : outcome.reference;
  const ended = { status: failed ? "failed" : "succeeded", finishedAt: sql`now()` } as const;
  const [written] = await tx
    .update(paymentOperationTable)
    .set({ ...(waits ? {} : ended), reference, error })
    .where(and(eq(paymentOperationTable.id, id), eq(paymentOperationTable.status, "pending")))
    .returning({ id: paymentOperationTable.id });
  if (!written || waits) return;
  const aside = asideFor(payment, await openOperations(tx, payment));
  await tx.update(paymentTable).set(aside).where(eq(paymentTable.id, payment.id));
  if (!failed) return;
  const { orderId, id: paymentId } = payment;
  emit(PaymentOperationFailed, { orderId, paymentId, operationId: id, kind, code: outcome.code });
  await tx.insert(orderTimelineTable).values(entry(orderId, `${kind}_failed`, { paymentId, error }));
  await alert(tx, payment, operation);
}

/** What nobody asked for by hand, nobody is told by an answer. */
async function alert(tx: Tx, payment: Payment, { kind, requestKey }: Operation): Promise<void> {
  const { id: paymentId, orderId, accepted, captured, amount } = payment;
  // It may have failed because the merchant did it at the provider's.
  const isShort = requestKey === captureKey(payment) && captured < amount;
  if (isShort) await flag(tx, orderId, "capture_failed", { paymentId });
  // What was let go too late, because it was taken meanwhile, is refunded.
  if (!accepted && (kind === "refund" || captured === 0)) await notReturned(payment);
}

/** Of the capture that follows by itself when an order stands. */
export const captureKey = ({ id }: Pick<Payment, "id">) => `capture ${id}`;

/**
 * Ends the operations that a snapshot shows as done or failed, whoever asked the provider.
 * @returns those that are left; undefined when there was no reason to look
 */
export async function closeOperations(tx: Tx, payment: Payment, fresh: Fresh, snapshot: Snapshot) {
  const told = new Map(snapshot.refunds.map(({ operationId, status }) => [operationId, status]));
  if (told.size === 0 && fresh.length === 0 && payment.capturing === 0) return undefined;
  const open = await openOperations(tx, payment);
  const isLetGo = snapshot.status === "voided" || snapshot.status === "expired";
  const isDone = { capture: ({ id }: Pending) => snapshot.captures.includes(id), void: () => isLetGo };
  const endOf = (one: Pending) =>
    one.kind === "refund" ? told.get(one.id) : isDone[one.kind](one) ? "succeeded" : "pending";
  for (const status of ["succeeded", "failed"] as const) {
    const ids = open.flatMap((one) => (endOf(one) === status ? [one.id] : []));
    if (ids.length === 0) continue;
    await tx
      .update(paymentOperationTable)
      .set({ status, finishedAt: sql`now()` })
      .where(and(inArray(paymentOperationTable.id, ids), eq(paymentOperationTable.status, "pending")));
  }
  return open.filter((one) => (endOf(one) ?? "pending") === "pending");
}

type Sums = Pick<Payment, "authorized" | "captured" | "refunded">;

/** What these operations are about, as far as it is there: somebody may have taken it at the provider's own pages. */
export function asideFor({ authorized, captured, refunded }: Sums, pending: readonly Pending[]) {
  const sum = (wanted: Kind) => pending.reduce((all, { kind, amount }) => all + (kind === wanted ? amount : 0), 0);
  return {
    capturing: Math.min(sum("capture"), authorized - captured),
    refunding: Math.min(sum("refund"), captured - refunded),
  };
}

const openOperations = (tx: Tx, payment: Payment) =>
  tx
    .select({ id: paymentOperationTable.id, kind: paymentOperationTable.kind, amount: paymentOperationTable.amount })
    .from(paymentOperationTable)
    .where(and(eq(paymentOperationTable.paymentId, payment.id), eq(paymentOperationTable.status, "pending")))
    .orderBy(paymentOperationTable.id);
export type Pending = Awaited<ReturnType<typeof openOperations>>[number];
