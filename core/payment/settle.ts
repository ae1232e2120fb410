import { and, eq, ne, sql } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { Incident } from "../incident/index.js";
import { db } from "../kernel/db.js";
import { flag } from "../order/timeline.js";
import { accept } from "./accept.js";
import { load } from "./attempt.js";
import { enter, enterFees, tell } from "./ledger.js";
import { asideFor, closeOperations } from "./operation.js";
import { reckon } from "./order-status.js";
import { PaymentEventId, paymentEventTable, paymentOperationTable, paymentTable } from "./payment.sql.js";
import type { Snapshot } from "./provider.js";
import { isReturned, notReturned, returnAll, returnMoney } from "./refund-back.js";
import { providerOf } from "./registry.js";

export type Payment = typeof paymentTable.$inferSelect;
type NewEvent = Omit<typeof paymentEventTable.$inferInsert, "id" | "paymentId"> & { reference: string };

/**
 * Asks the provider how a payment stands, and writes what is new: the only way by which an order becomes paid. It may
 * run at any time, any number of times, beside itself: sums only grow, and each event is written once.
 */
export async function sync(paymentId: string): Promise<void> {
  const known = await load(paymentId);
  if (!known) return;
  const snapshot = await providerOf(known.payment.provider).snapshot(known.attempt);
  if (snapshot) await db(async (tx) => settle(tx, await lock(tx, paymentId), snapshot));
}

/** The payment first, then its order: whoever needs both takes them in this order. */
export async function lock(tx: Tx, paymentId: string): Promise<Payment> {
  const [payment] = await tx.select().from(paymentTable).where(eq(paymentTable.id, paymentId)).for("update");
  if (!payment) throw new Error("The payment does not exist.");
  return payment;
}

/** Writes what a snapshot says and the payment, which the caller has locked, does not say yet. */
export async function settle(tx: Tx, payment: Payment, snapshot: Snapshot): Promise<void> {
  if (!(await agrees(tx, payment, snapshot))) return;
  const fresh = await record(tx, payment, snapshot);
  const made = await refundsMade(tx, payment, fresh);
  const pending = await closeOperations(tx, payment, fresh, snapshot);
  const sums = sum(payment, snapshot, fresh, made);
  const now = { ...payment, ...sums, ...(pending && asideFor(sums, pending)) };
  await write(tx, now, snapshot, fresh);
  tell(payment, fresh);
  let { accepted } = payment;
  if (accepted) await miss(tx, now, fresh);
  else if (sums.authorized > 0 && !isOver(snapshot)) accepted = await count(tx, now, fresh);
  await enter(tx, { ...payment, accepted }, fresh, made);
  await enterFees(payment, sums);
  if (fresh.length > 0) await reckon(tx, payment.orderId, new Set(fresh.map(({ id }) => id)));
}

const has = (fresh: Fresh, ...types: Fresh[number]["type"][]) => fresh.some(({ type }) => types.includes(type));

/** The provider will take no money for it any more. */
const isOver = ({ status }: Snapshot) => status === "voided" || status === "expired";

/** Money that somebody stands for counts for its order, or goes back; also when we had given its attempt up. */
async function count(tx: Tx, payment: Payment, fresh: Fresh): Promise<boolean> {
  if (!payment.closedAt) return accept(tx, payment);
  if (has(fresh, "authorized", "captured")) await returnMoney(tx, payment, "attempt_closed");
  if (has(fresh, "refund_failed")) await notReturned(payment);
  else if (has(fresh, "refunded") && payment.refunded >= payment.captured) await isReturned(payment);
  return false;
}

/** What was promised for an order that stands will not come, and nobody here has let it go. */
async function miss(tx: Tx, { id, orderId }: Payment, fresh: Fresh): Promise<void> {
  if (!has(fresh, "voided", "expired")) return;
  const { paymentId, kind, status } = paymentOperationTable;
  const wished = await tx
    .select({ id: paymentOperationTable.id })
    .from(paymentOperationTable)
    .where(and(eq(paymentId, id), eq(kind, "void"), ne(status, "failed")))
    .limit(1);
  if (wished.length === 0) await flag(tx, orderId, "payment_lost", { paymentId: id });
}

/** Another amount or another currency than we asked for is nobody's payment: the money goes back, somebody looks at it. */
async function agrees(tx: Tx, payment: Payment, snapshot: Snapshot): Promise<boolean> {
  const { reference, amount, currency, authorized, captured } = snapshot;
  if (amount === payment.amount && currency === payment.currency) return true;
  await closeOperations(tx, payment, [], snapshot);
  const closedAt = isOver(snapshot) ? sql`coalesce(${paymentTable.closedAt}, now())` : payment.closedAt;
  await tx.update(paymentTable).set({ reference, closedAt }).where(eq(paymentTable.id, payment.id));
  const goesBack = authorized > 0 && !isOver(snapshot) && (await returnAll(tx, payment, "amount_mismatch", captured));
  if (payment.closedAt && !goesBack) return false; // somebody was told
  const expected = { amount: payment.amount, currency: payment.currency };
  const data = { orderId: payment.orderId, expected, said: { amount, currency }, reference };
  await Incident.open("payment.amount_mismatch", payment.id, data);
  return false;
}

/** Inserts the events that are not there yet; answers those. */
async function record(tx: Tx, payment: Payment, snapshot: Snapshot) {
  const events = eventsOf(payment, snapshot);
  if (events.length === 0) return [];
  return tx
    .insert(paymentEventTable)
    .values(events.map((event) => ({ id: PaymentEventId.create(), paymentId: payment.id, ...event })))
    .onConflictDoNothing()
    .returning();
}
export type Fresh = Awaited<ReturnType<typeof record>>;

function eventsOf(payment: Payment, snapshot: Snapshot): NewEvent[] {
  const { status, authorized, captured, fee } = snapshot;
  const events: NewEvent[] = snapshot.failures.map(({ reference, ...data }) => {
    return { type: "failed", amount: payment.amount, reference, data };
  });
  if (status === "action_required" || status === "processing") {
    events.push({ type: status, amount: payment.amount, reference: status });
  }
  if (authorized > payment.authorized) {
    events.push({ type: "authorized", amount: authorized - payment.authorized, reference: `to ${authorized}` });
  }
  if (captured > payment.captured) {
    const amount = captured - payment.captured;
    events.push({ type: "captured", amount, reference: `to ${captured}`, data: { fee } });
  }
  for (const { reference, amount, status: state, operationId } of snapshot.refunds) {
    const data = { operationId };
    // What succeeded may fail days later; an older snapshot never takes that back.
    if (state === "succeeded") events.push({ type: "refunded", amount, reference, data });
    if (state === "failed") events.push({ type: "refund_failed", amount, reference, data });
  }
  if (status === "voided" || status === "expired")
    events.push({ type: status, amount: payment.amount, reference: "end" });
  return events;
}

/** The sums of the row with what is fresh. */
function sum(payment: Payment, snapshot: Snapshot, fresh: Fresh, made: ReadonlySet<string | null>) {
  const add = (events: Fresh) => events.reduce((all, { amount }) => all + amount, 0);
  const of = (wanted: Fresh[number]["type"]) => add(fresh.filter(({ type }) => type === wanted));
  const failed = add(fresh.filter(({ type, reference }) => type === "refund_failed" && made.has(reference)));
  // Like every sum they only grow; Stripe books them a moment later than it takes the money.
  const feeTaken = Math.max(payment.feeTaken, snapshot.fee);
  return {
    authorized: payment.authorized + of("authorized"),
    captured: payment.captured + of("captured"),
    refunded: payment.refunded + of("refunded") - failed,
    feeTaken,
    feeReturned: Math.min(feeTaken, Math.max(payment.feeReturned, snapshot.feeReturned ?? 0)),
  };
}

async function write(tx: Tx, now: Payment, snapshot: Snapshot, fresh: Fresh): Promise<void> {
  const { authorized, captured, refunded, feeTaken, feeReturned, capturing, refunding } = now;
  const closed = now.closedAt !== null || has(fresh, "voided", "expired");
  await tx
    .update(paymentTable)
    .set({
      ...{ authorized, captured, refunded, feeTaken, feeReturned, capturing, refunding },
      reference: now.reference ?? snapshot.reference,
      closedAt: closed ? sql`coalesce(${paymentTable.closedAt}, now())` : null,
    })
    .where(eq(paymentTable.id, now.id));
}

/** When a refund has just failed: those that had counted as made. Seldom, so that it is asked only then. */
async function refundsMade(tx: Tx, payment: Payment, fresh: Fresh): Promise<ReadonlySet<string | null>> {
  if (!fresh.some(({ type }) => type === "refund_failed")) return new Set();
  const rows = await tx
    .select({ reference: paymentEventTable.reference })
    .from(paymentEventTable)
    .where(and(eq(paymentEventTable.paymentId, payment.id), eq(paymentEventTable.type, "refunded")));
  return new Set(rows.map(({ reference }) => reference));
}
