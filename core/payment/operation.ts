import { and, eq, inArray, sql } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { signature } from "../actor.js";
import { db, read } from "../db.js";
import { emit } from "../event/index.js";
import { defineJob, enqueue } from "../job/index.js";
import { orderTimelineTable } from "../order/order.sql.js";
import { entry } from "../order/timeline.js";
import { load } from "./attempt.js";
import { PaymentOperationFailed } from "./event.js";
import { OperationId } from "./index.js";
import { paymentOperationTable, paymentTable } from "./payment.sql.js";
import type { Outcome, Snapshot } from "./provider.js";
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
export const operate = defineJob("payment.operate", z.object({ operationId: OperationId }), ({ operationId }) =>
  run(operationId),
);

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
    .values({ id: OperationId.create(), paymentId: payment.id, kind, amount, reason, requestKey, actor: signature() })
    .onConflictDoNothing({ target: [paymentOperationTable.tenantId, paymentOperationTable.requestKey] })
    .returning();
  if (!made) return undefined;
  const aside = {
    capture: { capturing: sql`${paymentTable.capturing} + ${amount}` },
    refund: { refunding: sql`${paymentTable.refunding} + ${amount}` },
  };
  if (kind !== "void" && amount > 0)
    await tx.update(paymentTable).set(aside[kind]).where(eq(paymentTable.id, payment.id));
  if (!isManual(payment.provider)) enqueue(operate, { operationId: made.id }, { key: made.id, delay });
  return made;
}

/** Money that nothing is sold for goes back by itself, once. */
export async function returnMoney(tx: Tx, payment: Payment, why: string, taken = payment.captured > 0): Promise<void> {
  const amount = payment.captured - payment.refunded - payment.refunding;
  const asked: Wish = taken
    ? { kind: "refund", amount, reason: why, requestKey: `return ${payment.id}` }
    : { kind: "void", amount: 0, reason: why, requestKey: `return ${payment.id}` };
  const made = await wish(tx, payment, asked, 0);
  if (!made) return;
  await tx
    .insert(orderTimelineTable)
    .values(entry(payment.orderId, "payment_returned", { paymentId: payment.id, why }));
}

/**
 * Does what was wished: asks the provider, with the wish's id as its key, and writes what came of it. Doing it again
 * finds what was done. @throws Unresolved when the provider does not say
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

type Operation = Pick<typeof paymentOperationTable.$inferSelect, "id" | "kind" | "amount">;

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
    fee: 0,
  });
}

/** Writes the end of an operation; one that has ended stays as it is, and one that is under way waits. */
async function conclude(tx: Tx, payment: Payment, { id, kind, amount }: Operation, outcome: Outcome): Promise<void> {
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
  await putBack(tx, payment, kind, amount);
  if (!failed) return;
  const { orderId, id: paymentId } = payment;
  emit(PaymentOperationFailed, { orderId, paymentId, operationId: id, kind, code: outcome.code });
  await tx.insert(orderTimelineTable).values(entry(orderId, `${kind}_failed`, { paymentId, error }));
}

async function putBack(tx: Tx, payment: Payment, kind: Kind, amount: number): Promise<void> {
  if (kind === "void" || amount === 0) return;
  const column = kind === "capture" ? paymentTable.capturing : paymentTable.refunding;
  const rest = sql`greatest(0, ${column} - ${amount})`;
  await tx
    .update(paymentTable)
    .set(kind === "capture" ? { capturing: rest } : { refunding: rest })
    .where(eq(paymentTable.id, payment.id));
}

/** Ends the operations that a snapshot shows as done or failed, whoever asked the provider for it. */
export async function closeOperations(tx: Tx, payment: Payment, fresh: Fresh, snapshot: Snapshot): Promise<void> {
  const ended = new Map<string, "succeeded" | "failed">();
  for (const { operationId, status } of snapshot.refunds) {
    if (operationId && status !== "pending") ended.set(operationId, status);
  }
  const open = await openOperations(tx, payment, ended.size > 0 || fresh.length > 0);
  let left = fresh.reduce((all, { type, amount }) => all + (type === "captured" ? amount : 0), 0);
  for (const { id, kind, amount } of open) {
    if (kind === "void" && (snapshot.status === "voided" || snapshot.status === "expired")) ended.set(id, "succeeded");
    if (kind !== "capture" || amount > left) continue;
    left -= amount;
    ended.set(id, "succeeded");
  }
  for (const status of ["succeeded", "failed"] as const) {
    const ids = open.flatMap(({ id }) => (ended.get(id) === status ? [id] : []));
    if (ids.length === 0) continue;
    await tx
      .update(paymentOperationTable)
      .set({ status, finishedAt: sql`now()` })
      .where(and(inArray(paymentOperationTable.id, ids), eq(paymentOperationTable.status, "pending")));
    const failed = open.filter(({ id, kind }) => kind === "refund" && ids.includes(id) && status === "failed");
    for (const { kind, amount } of failed) await putBack(tx, payment, kind, amount);
  }
}

async function openOperations(tx: Tx, payment: Payment, any: boolean) {
  if (!any) return [];
  return tx
    .select({ id: paymentOperationTable.id, kind: paymentOperationTable.kind, amount: paymentOperationTable.amount })
    .from(paymentOperationTable)
    .where(and(eq(paymentOperationTable.paymentId, payment.id), eq(paymentOperationTable.status, "pending")))
    .orderBy(paymentOperationTable.id);
}
