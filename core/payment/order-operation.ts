import { and, asc, eq, inArray, ne, sql } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { context } from "../kernel/actor.js";
import { type AfterCommit, afterCommit } from "../kernel/after-commit.js";
import { db } from "../kernel/db.js";
import { conflict, type Failure, notFound, OutcomeUnknown, stale } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { Amount } from "../kernel/money.js";
import { OrderId, orderTable } from "../order/order.sql.js";
import { finishByHand, run, wish } from "./operation.js";
import { paymentOperationTable, paymentTable } from "./payment.sql.js";
import { isManual } from "./registry.js";
import type { Payment } from "./settle.js";

const amount = Amount.min(1).optional().meta({ description: "Minor units; the whole remaining amount when omitted" });
export const Capture = z.strictObject({ amount });
export const Refund = z.strictObject({ amount, reason: z.string().trim().min(1).max(500).optional() });

const Input = z.object({ id: OrderId, version: z.int().optional(), amount: Capture.shape.amount });
type Asked = z.output<typeof Input> & { reason?: string | undefined };
type Kind = "capture" | "refund" | "void";

/** Takes money for an order. @throws Failure not_found, conflict or stale */
export const capture = fn(Input, (asked) => ask("capture", asked));
/** Gives money back. @throws Failure not_found, conflict or stale */
export const refund = fn(Input.extend({ reason: Refund.shape.reason }), (asked) => ask("refund", asked));
/** Lets go what was promised and not taken. @throws Failure not_found, conflict or stale */
export const release = fn(Input.omit({ amount: true }), (asked) => ask("void", asked));

/**
 * Sets aside what is wanted of the order's payments, each locked, so that requests stand in line; the CHECKs on their
 * sums are the last wall. What calls a provider is done after the commit. A retry of the request finds what it made.
 */
const ask = (kind: Kind, asked: Asked): Promise<AfterCommit<void> | undefined> =>
  db(async (tx) => {
    const { requestKey } = context();
    const payments = await tx
      .select()
      .from(paymentTable)
      .where(and(eq(paymentTable.orderId, asked.id), eq(paymentTable.accepted, true)))
      .orderBy(asc(paymentTable.id))
      .for("update");
    const before = requestKey ? await madeBy(tx, requestKey, payments) : [];
    if (before.length > 0) return finish(kind, before);
    const parts = share(kind, payments, asked.amount);
    if (!parts) throw await tooMuch(tx, kind, asked.id, payments);
    await touch(tx, kind, asked);
    const wishes: string[] = [];
    for (const { payment, amount: part } of parts) {
      const key = requestKey && keyOf(requestKey, payment);
      const reason = asked.reason && { reason: asked.reason };
      const made = await wish(tx, payment, { kind, amount: part, ...reason, ...(key && { requestKey: key }) });
      if (!made) throw new Error("The amount was checked under the lock.");
      if (isManual(payment.provider)) await finishByHand(tx, { ...payment, ...setAside(payment, kind, part) }, made);
      else wishes.push(made.id);
    }
    return wishes.length > 0 ? finish(kind, wishes) : undefined;
  });

/** One request may take from several payments. */
const keyOf = (requestKey: string, { id }: Payment) => `${requestKey} ${id}`;

const madeBy = async (tx: Tx, requestKey: string, payments: readonly Payment[]) => {
  const keys = payments.map((payment) => keyOf(requestKey, payment));
  if (keys.length === 0) return [];
  const rows = await tx
    .select({ id: paymentOperationTable.id })
    .from(paymentOperationTable)
    .where(inArray(paymentOperationTable.requestKey, keys));
  return rows.map(({ id }) => id);
};

const finish = (kind: Kind, operations: readonly string[]) =>
  afterCommit(async () => {
    for (const id of operations) {
      const outcome = await run(id).catch((error: unknown) => {
        if (!(error instanceof OutcomeUnknown)) throw error;
        return undefined; // its job goes on asking; the operation is shown as pending
      });
      if (outcome?.status === "failed") throw failed[kind](outcome.message, outcome.code);
    }
  });

const setAside = ({ capturing, refunding }: Payment, kind: Kind, amount: number) => ({
  capturing: capturing + (kind === "capture" ? amount : 0),
  refunding: refunding + (kind === "refund" ? amount : 0),
});

/** What can still be captured or refunded of a payment. */
const room = (kind: Kind, { authorized, captured, capturing, refunded, refunding, closedAt }: Payment): number => {
  if (kind === "refund") return captured - refunded - refunding;
  return closedAt ? 0 : authorized - captured - capturing;
};

/** Takes the amount from one payment after the other; undefined when it is not there. */
function share(kind: Kind, payments: readonly Payment[], wanted: number | undefined) {
  const rooms = payments.map((payment) => ({ payment, left: room(kind, payment) })).filter(({ left }) => left > 0);
  if (kind === "void") {
    const untouched = rooms.filter(({ payment }) => payment.captured + payment.capturing === 0);
    return untouched.length > 0 ? untouched.map(({ payment }) => ({ payment, amount: 0 })) : undefined;
  }
  let rest = wanted ?? rooms.reduce((sum, { left }) => sum + left, 0);
  if (rest < 1) return undefined;
  const parts = rooms.map(({ payment, left }) => {
    const part = Math.min(left, rest);
    rest -= part;
    return { payment, amount: part };
  });
  return rest > 0 ? undefined : parts.filter(({ amount: part }) => part > 0);
}

/** Counts the order's version: who saw an older one changes nothing. */
async function touch(tx: Tx, kind: Kind, { id, version }: Asked): Promise<void> {
  const seen = version === undefined ? undefined : eq(orderTable.version, version);
  const alive = kind === "capture" ? ne(orderTable.status, "cancelled") : undefined;
  const [order] = await tx
    .update(orderTable)
    .set({ version: sql`${orderTable.version} + 1` })
    .where(and(eq(orderTable.id, id), alive, seen))
    .returning({ id: orderTable.id });
  if (!order) throw await refusal(tx, kind, id);
}

async function refusal(tx: Tx, kind: Kind, id: string): Promise<Failure> {
  const [order] = await tx
    .select({ status: orderTable.status, version: orderTable.version })
    .from(orderTable)
    .where(eq(orderTable.id, id));
  if (kind === "capture" && order?.status === "cancelled")
    return conflict("order.cancelled", "The order is cancelled, so its payments cannot be captured.");
  const data = { currentVersion: order?.version };
  return stale(
    "version_stale",
    "The order has changed since you read it. Get the order and retry with its current version.",
    { data },
  );
}

const exceeded = {
  capture: (data: { left: number }) =>
    conflict("payment.capture_exceeds", "The amount exceeds what is left to capture; see `left`.", { data }),
  refund: (data: { left: number }) =>
    conflict("payment.refund_exceeds", "The amount exceeds what is left to refund; see `left`.", { data }),
  void: () =>
    conflict("payment.not_voidable", "The order has no voidable authorization. Refund captured amounts instead."),
};

const failed = {
  capture: (detail: string, reason: string) => conflict("payment.capture_failed", detail, { data: { reason } }),
  refund: (detail: string, reason: string) => conflict("payment.refund_failed", detail, { data: { reason } }),
  void: (detail: string, reason: string) => conflict("payment.void_failed", detail, { data: { reason } }),
};

async function tooMuch(tx: Tx, kind: Kind, id: string, payments: readonly Payment[]): Promise<Failure> {
  if (payments.length === 0) {
    const [order] = await tx.select({ status: orderTable.status }).from(orderTable).where(eq(orderTable.id, id));
    if (!order) return notFound("order");
  }
  const left = payments.reduce((sum, payment) => sum + room(kind, payment), 0);
  return exceeded[kind]({ left });
}
