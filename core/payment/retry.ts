import { and, asc, eq, getTableColumns, isNull, sql } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { db, read } from "../kernel/db.js";
import { conflict, OutcomeUnknown, providerUnreachable } from "../kernel/error.js";
import { anyOf } from "../kernel/rows.js";
import { MAX_ATTEMPTS, openAttempt, type PaymentStep, prepareAttempt } from "./attempt.js";
import { addAttempt, failAttempt, type OpenedRow } from "./attempt-trace.js";
import { closeAttempt } from "./expiry.js";
import { type Payment, paymentTable } from "./payment.sql.js";
import type { ChosenMethod } from "./payment-method.js";
import type { Due } from "./provider.js";

/** An attempt that is to be opened, and those that must be closed before, so that no two are payable at once. */
interface BegunAttempt {
  attempt: OpenedRow;
  earlier: readonly string[];
}

type OwnTerms = Pick<Payment, "provider" | "amount" | "account" | "method" | "returnUrl">;
const termsOf = ({ provider, amount, account, method, returnUrl }: Partial<OwnTerms>) =>
  JSON.stringify([provider, amount, account ?? null, method ?? null, returnUrl ?? null]);

/** An attempt that ends in a moment is not used again. */
const isFresh = sql<boolean>`coalesce(${paymentTable.expiresAt} > now() + interval '5 minutes', false)`;

/**
 * Begins another attempt to pay an order, in the transaction that holds its lock. The open attempt that has the same
 * terms is used again; any other that is open is to be closed.
 * @throws Failure conflict `payment.attempts_exhausted` after the last attempt, and what the provider refuses
 */
export async function beginAttempt(tx: Tx, due: Due, chosen: ChosenMethod): Promise<BegunAttempt> {
  const { orderId } = due;
  const made = await tx
    .select({ ...getTableColumns(paymentTable), isFresh })
    .from(paymentTable)
    .where(eq(paymentTable.orderId, orderId))
    .orderBy(asc(paymentTable.id));
  const attempt = await prepareAttempt(tx, due, chosen);
  const open = made.filter(({ accepted, closedAt }) => !accepted && closedAt === null);
  const same = open.findLast((one) => one.isFresh && termsOf(one) === termsOf(attempt));
  const earlier = open.flatMap(({ id }) => (id === same?.id ? [] : [id]));
  if (same) return { attempt: same, earlier };
  if (made.length >= MAX_ATTEMPTS) {
    throw conflict("payment.attempts_exhausted", "No more attempts to pay this order can be made; see `limit`.", {
      data: { limit: MAX_ATTEMPTS },
    });
  }
  addAttempt(tx, attempt);
  return { attempt, earlier };
}

/**
 * Closes the earlier attempts at their providers and opens another one: after the commit. An earlier one that is being
 * charged keeps the other from being opened, and one that was paid meanwhile leaves nothing to pay.
 * @throws Failure conflict `payment.in_progress`, or unavailable when a provider does not answer
 */
export async function openInPlaceOf({ attempt, earlier }: BegunAttempt): Promise<PaymentStep> {
  for (const id of earlier) {
    await closeAttempt({ paymentId: id }).catch((error: unknown) => {
      throw error instanceof OutcomeUnknown ? providerUnreachable("payment.provider_unreachable") : error;
    });
  }
  if (earlier.length > 0 && (await isAnyOpen(earlier))) {
    const failure = conflict(
      "payment.in_progress",
      "An earlier attempt to pay this order is being charged. Wait for its result.",
    );
    await db((tx) => failAttempt(tx, attempt, failure));
    throw failure;
  }
  return openAttempt(attempt.id);
}

async function isAnyOpen(ids: readonly string[]): Promise<boolean> {
  const open = await read((q) =>
    q
      .select({ id: paymentTable.id })
      .from(paymentTable)
      .where(and(anyOf(paymentTable.id, ids), isNull(paymentTable.closedAt), eq(paymentTable.accepted, false)))
      .limit(1),
  );
  return open.length > 0;
}
