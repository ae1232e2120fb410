import { and, eq, inArray, isNotNull, isNull, lte, sql } from "drizzle-orm";
import { db, read } from "../kernel/db.js";
import { enqueue } from "../kernel/job/index.js";
import { Order } from "../order/index.js";
import { orderTable } from "../order/order.sql.js";
import { type LoadedAttempt, loadAttempt } from "./attempt.js";
import { closePaymentJob } from "./operation.js";
import { paymentTable } from "./payment.sql.js";
import { providerOf, type Snapshot } from "./provider.js";
import { applySnapshot } from "./snapshot.js";

/** An attempt that is still under way when its time is over is looked at again after so many hours. */
const RETRY_HOURS = 6;

/**
 * Ends an attempt whose time is over: at its provider first, so that it cannot be paid afterwards. The order ends with
 * the last of its attempts, also when that one was closed before.
 */
export async function closeAttempt({ paymentId }: { paymentId: string }): Promise<void> {
  const attempt = await loadAttempt(paymentId);
  if (!attempt || attempt.accepted) return;
  const snapshot = attempt.closedAt ? undefined : await closeAtProvider(attempt);
  await db(async (tx) => {
    if (snapshot) await applySnapshot(paymentId, snapshot);
    await tx
      .update(paymentTable)
      .set({ expiresAt: null })
      .where(and(eq(paymentTable.id, paymentId), isNotNull(paymentTable.closedAt)));
    const unpaid = await lockWithoutAttempt(attempt.orderId);
    if (unpaid) await Order.cancel(tx, unpaid, "payment_expired");
  });
}

async function closeAtProvider(attempt: LoadedAttempt): Promise<Snapshot> {
  const provider = providerOf(attempt.provider);
  if (provider.synchronous) return neverOpened(attempt);
  await provider.close(attempt);
  return (await provider.snapshot(attempt)) ?? neverOpened(attempt);
}

/** A provider that does not know the attempt was never asked for it, or its answer was lost before the shopper had it. */
const neverOpened = ({ amount, currency }: LoadedAttempt): Snapshot => ({
  reference: null,
  status: "expired",
  amount,
  currency,
  authorized: 0,
  captured: 0,
  failures: [],
  refunds: [],
  captures: [],
  fee: 0,
});

/** Locks an order, so that no other attempt to pay it begins. @returns undefined when one is under way */
async function lockWithoutAttempt(orderId: string) {
  const { id, attention, concerns } = orderTable;
  const [[order], open] = await read(
    (q) =>
      [
        q.select({ id, attention, concerns }).from(orderTable).where(eq(id, orderId)).for("update"),
        q
          .select({ id: paymentTable.id })
          .from(paymentTable)
          .where(and(eq(paymentTable.orderId, orderId), isNull(paymentTable.closedAt)))
          .limit(1),
      ] as const,
  );
  return open.length > 0 ? undefined : order;
}

/** The most attempts of one run. */
export const EXPIRY_SLICE = 500;

/** Makes a job for each of a slice of the attempts whose time is over and that do not count. @returns how many */
export const enqueueExpired = (): Promise<number> =>
  db(async (tx) => {
    const over = tx
      .select({ id: paymentTable.id })
      .from(paymentTable)
      .where(and(lte(paymentTable.expiresAt, sql`now()`), eq(paymentTable.accepted, false)))
      .orderBy(paymentTable.expiresAt)
      .limit(EXPIRY_SLICE)
      .for("update", { skipLocked: true });
    const late = await tx
      .update(paymentTable)
      .set({ expiresAt: sql`now() + make_interval(hours => ${RETRY_HOURS})` })
      .where(inArray(paymentTable.id, over))
      .returning({ id: paymentTable.id, expiresAt: paymentTable.expiresAt });
    for (const { id, expiresAt } of late) enqueue(closePaymentJob, { paymentId: id }, { key: `${id} ${expiresAt}` });
    return late.length;
  });
