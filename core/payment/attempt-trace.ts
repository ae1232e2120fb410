import { and, eq, isNull, sql } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { defer } from "../kernel/db.js";
import type { Failure } from "../kernel/error.js";
import { factOf } from "./fact.js";
import { writeFacts } from "./fact-trace.js";
import { type Payment, PaymentEventId, paymentEventTable, paymentTable } from "./payment.sql.js";

/** Writes another attempt to pay an order, in the open transaction. */
export function addAttempt(tx: Tx, attempt: OpenedRow & typeof paymentTable.$inferInsert): void {
  defer(tx.insert(paymentTable).values(attempt));
  writeFacts(tx, attempt, [factOf("payment_attempted", attempt, attempt.amount, { provider: attempt.provider })]);
}

/** The columns of an attempt that its facts tell. */
export type OpenedRow = Pick<Payment, "id" | "orderId" | "amount" | "currency" | "provider">;

/** Closes an attempt that its provider refuses, once; the shopper may make another one. */
export async function failAttempt(tx: Tx, attempt: OpenedRow, { code, message }: Failure): Promise<void> {
  const { id: paymentId, amount, provider } = attempt;
  const [closed] = await tx
    .update(paymentTable)
    .set({ closedAt: sql`now()` })
    .where(and(eq(paymentTable.id, paymentId), isNull(paymentTable.closedAt)))
    .returning({ id: paymentTable.id });
  if (!closed) return;
  const data = { code, message };
  const event = { id: PaymentEventId.create(), paymentId, type: "failed", amount, reference: "refused", data } as const;
  defer(tx.insert(paymentEventTable).values(event).onConflictDoNothing());
  writeFacts(tx, attempt, [
    { ...factOf("payment_failed", attempt, amount, data), actor: { type: "provider", provider } },
  ]);
}
