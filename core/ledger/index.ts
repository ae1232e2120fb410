export * as Ledger from "./index.js";

import { sql } from "drizzle-orm";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import { db } from "../kernel/db.js";
import { EntryId, type Kind, ledgerEntryTable, ledgerTransactionTable, TransactionId } from "./ledger.sql.js";
import type { Entry } from "./posting.js";

export { AccountBalance, accounts, BalanceFilter } from "./balance.js";
export { LedgerTransaction, TransactionPage, transactions } from "./transaction.js";

/**
 * Writes one business fact into the books, in one statement of the open transaction. A fact that was recorded before,
 * or that moves no money, writes nothing; who else records it at the same time waits for whoever came first.
 * @param reference what it records; with the kind it is recorded once
 * @param entries minor units, which sum to zero in each currency; what is zero is left out
 * @returns whether it was written now
 * @throws Error when they do not balance: a fault of ours
 */
export async function record(kind: Kind, reference: string, entries: readonly Entry[]): Promise<boolean> {
  const rows = entries.filter(({ amount }) => amount !== 0);
  const left = unbalanced(rows);
  if (left) throw new Error(`The entries of ${kind} ${reference} do not balance in ${left}.`);
  if (rows.length === 0) return false;
  return db(async (tx) => {
    const made = tx.$with("made").as(
      tx
        .insert(ledgerTransactionTable)
        .values({ id: TransactionId.create(), kind, reference })
        .onConflictDoNothing({
          target: [ledgerTransactionTable.tenantId, ledgerTransactionTable.reference, ledgerTransactionTable.kind],
        })
        .returning({ tenantId: ledgerTransactionTable.tenantId, id: ledgerTransactionTable.id }),
    );
    // Written from what was made, so that nothing is when it was made before; the tenant comes along with it.
    const listed = JSON.stringify(rows.map((row) => ({ ...row, id: typeIdToUuid("len", EntryId.create()) })));
    const written = await tx
      .with(made)
      .insert(ledgerEntryTable)
      .select(
        sql`select made.tenant_id, now(), now(), entry.id, made.id, entry.account, entry.amount, entry.currency
              from made, jsonb_to_recordset(${listed}::jsonb)
                as entry (id uuid, account text, amount bigint, currency char(3))`,
      )
      .returning({ id: ledgerEntryTable.id });
    return written.length > 0;
  });
}

/** The first currency in which entries do not sum to zero. @throws Error for what is no integer of minor units */
function unbalanced(entries: readonly Entry[]): string | undefined {
  const sums = new Map<string, number>();
  for (const { amount, currency } of entries) {
    if (!Number.isSafeInteger(amount)) throw new Error(`${amount} is no amount of minor units.`);
    sums.set(currency, (sums.get(currency) ?? 0) + amount);
  }
  return [...sums].find(([, sum]) => sum !== 0)?.[0];
}

export { type Entry, Posting } from "./posting.js";
