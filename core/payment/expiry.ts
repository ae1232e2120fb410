import { and, eq, lte, sql } from "drizzle-orm";
import * as z from "zod";
import { db } from "../kernel/db.js";
import { emit } from "../kernel/event/index.js";
import { defineJob, enqueue } from "../kernel/job/index.js";
import { cancel, hasOpenAttempt } from "../order/apply-payment.js";
import { load } from "./attempt.js";
import { PaymentVoided } from "./event.js";
import { PaymentEventId, PaymentId, paymentEventTable, paymentTable } from "./payment.sql.js";
import { providerOf } from "./registry.js";
import { lock, settle } from "./settle.js";

/** An attempt that is still under way when its time is over is looked at again after this. Hours. */
const AGAIN = 6;

export const closePaymentJob = defineJob("payment.close", z.object({ paymentId: PaymentId }));

/**
 * Ends an attempt that nobody has paid: at its provider first, so that nobody can pay it afterwards. Its order ends with
 * the last of its attempts, also when somebody else had ended that one before.
 */
export async function close({ paymentId }: { paymentId: string }): Promise<void> {
  const known = await load(paymentId);
  if (!known || known.payment.accepted) return;
  const { attempt, payment: before } = known;
  const provider = providerOf(before.provider);
  if (!before.closedAt) await provider.close(attempt);
  const snapshot = before.closedAt ? undefined : await provider.snapshot(attempt);
  await db(async (tx) => {
    const payment = await lock(tx, paymentId);
    if (snapshot) await settle(tx, payment, snapshot);
    const unknown = !snapshot && !payment.closedAt;
    if (unknown) {
      // The provider never heard of it, and nobody was told how to pay it.
      await tx.update(paymentTable).set({ closedAt: sql`now()` }).where(eq(paymentTable.id, paymentId));
      const event = {
        id: PaymentEventId.create(),
        paymentId,
        type: "expired" as const,
        amount: payment.amount,
        reference: "end",
      };
      await tx.insert(paymentEventTable).values(event).onConflictDoNothing();
      emit(PaymentVoided, { paymentId, orderId: payment.orderId });
    }
    const { closedAt, orderId } = await lock(tx, paymentId);
    if (closedAt) await tx.update(paymentTable).set({ expiresAt: null }).where(eq(paymentTable.id, paymentId));
    if (!(await hasOpenAttempt(tx, orderId))) await cancel(tx, orderId, "payment_expired");
  });
}

/** Finds attempts whose time is over and that do not count, and has each of them closed. @returns how many */
export const expire = (): Promise<number> =>
  db(async (tx) => {
    const late = await tx
      .update(paymentTable)
      .set({ expiresAt: sql`now() + make_interval(hours => ${AGAIN})` })
      .where(and(lte(paymentTable.expiresAt, sql`now()`), eq(paymentTable.accepted, false)))
      .returning({ id: paymentTable.id, expiresAt: paymentTable.expiresAt });
    for (const { id, expiresAt } of late) enqueue(closePaymentJob, { paymentId: id }, { key: `${id} ${expiresAt}` });
    return late.length;
  });
