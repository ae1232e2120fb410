import { eq } from "drizzle-orm";
import { read } from "../kernel/db.js";
import { loadAttempt } from "./attempt.js";
import { paymentOperationTable } from "./payment.sql.js";
import { type Outcome, remoteProviderOf } from "./provider.js";
import { applySnapshot } from "./snapshot.js";

/**
 * Requests an operation from the provider, with the operation's id as the idempotency key, and writes the result. A
 * second call finds the result of the first one.
 * @param isAnswered whether the one who requested the operation waits for its outcome
 * @returns undefined when the operation has ended
 * @throws OutcomeUnknown when the provider does not answer
 */
export async function performOperation(operationId: string, isAnswered = false): Promise<Outcome | undefined> {
  const [operation] = await read((q) =>
    q.select().from(paymentOperationTable).where(eq(paymentOperationTable.id, operationId)),
  );
  const attempt = operation && (await loadAttempt(operation.paymentId));
  if (!attempt || operation.status !== "pending") return undefined;
  const provider = remoteProviderOf(attempt.provider);
  const final = attempt.captured + operation.amount >= attempt.authorized;
  const outcome = await provider.operate(attempt, { ...operation, final });
  await applySnapshot(attempt.id, await provider.snapshot(attempt), { operationId, outcome, isAnswered });
  return outcome;
}

/** Asks the provider for the state of a payment, and writes the differences. @throws OutcomeUnknown */
export async function syncPayment(paymentId: string): Promise<void> {
  const attempt = await loadAttempt(paymentId);
  const snapshot = attempt && (await remoteProviderOf(attempt.provider).snapshot(attempt));
  if (snapshot) await applySnapshot(paymentId, snapshot);
}
