import { and, eq, inArray, isNull, lt, ne, or, sql } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { disputeTable } from "../dispute/dispute.sql.js";
import { Incident } from "../incident/index.js";
import { db, read } from "../kernel/db.js";
import { OutcomeUnknown } from "../kernel/error.js";
import { defineJob, enqueue } from "../kernel/job/index.js";
import { anyOf } from "../kernel/rows.js";
import {
  disputesSince,
  intentsSince,
  type Listed,
  operatePaymentJob,
  Payment,
  refundsSince,
} from "../payment/index.js";
import { PaymentId, paymentEventTable, paymentOperationTable, paymentTable } from "../payment/payment.sql.js";
import { PaymentAccount } from "../payment-account/index.js";
import { PaymentAccountId, paymentAccountTable, RECONCILE_HOURS } from "../payment-account/payment-account.sql.js";
import { fromStripe } from "../stripe/index.js";

/** The lists of two runs overlap by this much, because Stripe may list an object later than it made it. Hours. */
const OVERLAP = 2;
/** Payments and operations that are open for longer than this are looked up: their webhook may be lost. Minutes. */
const OVERDUE_MINUTES = 10;
/** Open payments, and open operations, that one run looks up at most; the next run is an hour later. */
const MAX_LOOKUPS = 5_000;
const CHUNK = 100;

export const syncPaymentJob = defineJob("payment.sync", z.object({ paymentId: PaymentId }));
export const reconcileAccountJob = defineJob("payment.reconcile", z.object({ accountId: PaymentAccountId }));
export const syncDisputeJob = defineJob(
  "dispute.sync",
  z.object({ reference: z.string(), paymentIntent: z.string(), account: z.string() }),
);

/** Reads a payment anew. A failure to write its state opens an incident, which the next success resolves. */
export async function syncPayment({ paymentId }: { paymentId: string }): Promise<void> {
  try {
    await Payment.sync(paymentId);
  } catch (error) {
    if (error instanceof OutcomeUnknown) throw error;
    await Incident.open("payment.not_settled", paymentId, {
      error: error instanceof Error ? error.message : "unknown",
    });
    throw error;
  }
  await Incident.resolveAutomatically("payment.not_settled", paymentId, "A later update was applied.");
}

/**
 * Compares Stripe's lists of a merchant's account with our rows, and our open payments with Stripe. Each difference
 * becomes a job, so that one run is short, and repairs run side by side. Money whose metadata name an attempt that we
 * do not have opens an incident; payments that the merchant made elsewhere are ignored.
 */
export async function reconcileAccount({ accountId }: { accountId: string }): Promise<void> {
  const [account] = await read((q) =>
    q
      .select({
        account: paymentAccountTable.account,
        livemode: paymentAccountTable.livemode,
        from: sql<string>`${paymentAccountTable.reconciledAt} - make_interval(hours => ${OVERLAP})`,
        now: sql<string>`now()`,
      })
      .from(paymentAccountTable)
      .where(eq(paymentAccountTable.id, accountId)),
  );
  if (!account?.account) return;
  await PaymentAccount.checkMode({ id: accountId });
  const merchant = { account: account.account, livemode: account.livemode };
  const pass: Run = { ...merchant, now: account.now };
  for await (const chunk of chunks(intentsSince(merchant, account.from))) await compareIntents(pass, chunk);
  for await (const chunk of chunks(refundsSince(merchant, account.from))) await compareRefunds(pass, chunk);
  for await (const chunk of chunks(disputesSince(merchant, account.from))) await compareDisputes(pass, chunk);
  await enqueueStuck(pass);
  await db((tx) =>
    tx
      .update(paymentAccountTable)
      .set({ reconciledAt: account.now })
      .where(and(eq(paymentAccountTable.id, accountId), lt(paymentAccountTable.reconciledAt, account.now))),
  );
}

/** Has each account compared that was not for an hour. @returns how many */
export const enqueueDue = (): Promise<number> =>
  db(async (tx) => {
    const due = await tx
      .select({ id: paymentAccountTable.id, hour: sql<string>`date_trunc('hour', now())` })
      .from(paymentAccountTable)
      .where(
        and(
          inArray(paymentAccountTable.status, ["active", "restricted"]),
          lt(paymentAccountTable.reconciledAt, sql`now() - make_interval(hours => ${RECONCILE_HOURS})`),
        ),
      );
    for (const { id, hour } of due) enqueue(reconcileAccountJob, { accountId: id }, { key: `${id} ${hour}` });
    return due.length;
  });

interface Run {
  account: string;
  livemode: boolean;
  /** The start of the run: part of the jobs' keys, so that the run makes each job once. */
  now: string;
}

async function* chunks(list: AsyncIterable<Listed>): AsyncGenerator<Listed[]> {
  let chunk: Listed[] = [];
  for await (const item of list) {
    chunk.push(item);
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

const paymentColumns = {
  id: paymentTable.id,
  reference: paymentTable.reference,
  currency: paymentTable.currency,
  captured: paymentTable.captured,
  authorized: paymentTable.authorized,
  closedAt: paymentTable.closedAt,
};

/** Our rows of these intents: by their reference, or by the attempt that they name, when the answer was lost. */
function findPayments(tx: Tx, { account }: Run, listed: readonly Listed[]) {
  const intents = listed.flatMap(({ paymentIntent }) => paymentIntent ?? []);
  const attempts = listed.flatMap(({ attempt }) => (PaymentId.safeParse(attempt).success && attempt ? [attempt] : []));
  return tx
    .select(paymentColumns)
    .from(paymentTable)
    .where(
      and(
        eq(paymentTable.account, account),
        or(anyOf(paymentTable.reference, intents), anyOf(paymentTable.id, attempts)),
      ),
    );
}
type Known = Awaited<ReturnType<typeof findPayments>>[number];

const enqueueSync = (pass: Run, paymentId: string) =>
  enqueue(syncPaymentJob, { paymentId }, { key: `${paymentId} ${pass.now}` });

const isMoney = ({ status, moved }: Listed) => moved > 0 || status === "requires_capture";

const compareIntents = (pass: Run, listed: readonly Listed[]) =>
  db(async (tx) => {
    const rows = await findPayments(tx, pass, listed);
    for (const item of listed) {
      const row = rows.find(({ id, reference }) => reference === item.reference || id === item.attempt);
      if (row && differs(row, item)) enqueueSync(pass, row.id);
      if (row || !item.attempt || !isMoney(item)) continue;
      await Incident.open("payment.unknown", item.reference, { attempt: item.attempt, account: pass.account });
    }
  });

function differs({ captured, authorized, closedAt, currency }: Known, { status, moved }: Listed): boolean {
  if (status === "canceled") return closedAt === null;
  if (status === "requires_capture" && authorized === 0) return true;
  return moved > 0 && fromStripe(moved, currency.toLowerCase()).amount !== captured;
}

const compareRefunds = (pass: Run, listed: readonly Listed[]) =>
  db(async (tx) => {
    const rows = await findPayments(tx, pass, listed);
    const references = listed.map(({ reference }) => reference);
    const recorded = await tx
      .select({ reference: paymentEventTable.reference, type: paymentEventTable.type })
      .from(paymentEventTable)
      .where(
        and(
          anyOf(
            paymentEventTable.paymentId,
            rows.map(({ id }) => id),
          ),
          anyOf(paymentEventTable.reference, references),
        ),
      );
    for (const { reference, paymentIntent, status } of listed) {
      const row = rows.find((one) => one.reference === paymentIntent);
      const type = status === "succeeded" ? "refunded" : "refund_failed";
      const isFinal = ["succeeded", "failed", "canceled"].includes(status);
      const isRecorded = recorded.some((event) => event.reference === reference && event.type === type);
      if (row && row.captured > 0 && isFinal && !isRecorded) enqueueSync(pass, row.id);
    }
  });
const compareDisputes = (pass: Run, listed: readonly Listed[]) =>
  db(async (tx) => {
    const rows = await findPayments(tx, pass, listed);
    const recorded = await tx
      .select({ reference: disputeTable.reference, status: disputeTable.status })
      .from(disputeTable)
      .where(
        anyOf(
          disputeTable.reference,
          listed.map(({ reference }) => reference),
        ),
      );
    for (const { reference, paymentIntent, status } of listed) {
      const isOurs = rows.some((row) => row.reference === paymentIntent);
      const isRecorded = recorded.some((dispute) => dispute.reference === reference && dispute.status === status);
      if (!isOurs || isRecorded || !paymentIntent) continue;
      enqueue(syncDisputeJob, { reference, paymentIntent, account: pass.account }, { key: `${reference} ${pass.now}` });
    }
  });

/** Enqueues a job for each attempt that is open for too long, and for each operation whose own job failed. */
const enqueueStuck = (pass: Run) =>
  db(async (tx) => {
    const overdueBefore = sql`now() - make_interval(mins => ${OVERDUE_MINUTES})`;
    const waiting = await tx
      .select({ id: paymentTable.id })
      .from(paymentTable)
      .where(
        and(
          eq(paymentTable.account, pass.account),
          isNull(paymentTable.closedAt),
          ne(paymentTable.captured, paymentTable.amount),
          lt(paymentTable.updatedAt, overdueBefore),
        ),
      )
      .limit(MAX_LOOKUPS);
    for (const { id } of waiting) enqueueSync(pass, id);
    const operations = await tx
      .select({ id: paymentOperationTable.id })
      .from(paymentOperationTable)
      .where(and(eq(paymentOperationTable.status, "pending"), lt(paymentOperationTable.createdAt, overdueBefore)))
      .limit(MAX_LOOKUPS);
    for (const { id } of operations) enqueue(operatePaymentJob, { operationId: id }, { key: `${id} ${pass.now}` });
  });
