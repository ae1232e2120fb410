export * as Ledger from "./index.js";

import { sql } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import { db, defer } from "../kernel/db.js";
import { findLedgerAccount } from "./account.js";
import { type LedgerKind, ledgerKinds } from "./kind.js";
import { EntryId, ledgerEntryTable, ledgerTransactionTable, TransactionId } from "./ledger.sql.js";
import type { Entry } from "./posting.js";

export type { LedgerAccount } from "./account.js";
export { AccountBalance, BalanceFilter, listAccounts } from "./balance.js";
export type { LedgerKind } from "./kind.js";
export { LedgerTransaction, listTransactions, TransactionPage } from "./transaction.js";

/**
 * Records one business fact in the ledger, in one statement of the open transaction. A fact that was recorded before,
 * or that moves no money, writes nothing; a concurrent record of the same fact waits for the first one.
 * @param reference the id of the fact's object; with the kind it is recorded once
 * @param entries minor units, which sum to zero in each currency; entries of zero are left out
 * @returns whether it was written now
 * @throws Error when the entries do not balance, or no module lists the kind or an account, which is a bug
 */
export const record = (kind: LedgerKind, reference: string, entries: readonly Entry[]): Promise<boolean> =>
  db(async (tx) => {
    const query = recordQuery(tx, kind, reference, entries);
    return query !== undefined && (await query).length > 0;
  });

/** The same with a later statement of the transaction, at the latest its COMMIT, for a fact that is known to be new. */
export function recordLater(tx: Tx, kind: LedgerKind, reference: string, entries: readonly Entry[]): void {
  const query = recordQuery(tx, kind, reference, entries);
  if (query) defer(query);
}

function recordQuery(tx: Tx, kind: LedgerKind, reference: string, entries: readonly Entry[]) {
  const rows = entries.filter(({ amount }) => amount !== 0);
  if (!ledgerKinds.find(kind)) throw new Error(`No module lists the ledger kind "${kind}".`);
  const stray = rows.find(({ account }) => !findLedgerAccount(account));
  if (stray) throw new Error(`No module lists the ledger account "${stray.account}".`);
  const left = findImbalance(rows);
  if (left) throw new Error(`The entries of ${kind} ${reference} do not balance in ${left}.`);
  if (rows.length === 0) return undefined;
  const made = tx.$with("made").as(
    tx
      .insert(ledgerTransactionTable)
      .values({ id: TransactionId.create(), kind, reference })
      .onConflictDoNothing({
        target: [ledgerTransactionTable.tenantId, ledgerTransactionTable.reference, ledgerTransactionTable.kind],
      })
      .returning({ tenantId: ledgerTransactionTable.tenantId, id: ledgerTransactionTable.id }),
  );
  // The entries are selected from the inserted transaction, so that none is written when it existed before; the
  // tenant's id comes from there, too.
  const listed = JSON.stringify(rows.map((row) => ({ ...row, id: typeIdToUuid("len", EntryId.create()) })));
  return tx
    .with(made)
    .insert(ledgerEntryTable)
    .select(
      sql`select made.tenant_id, now(), now(), entry.id, made.id, entry.account, entry.amount, entry.currency
            from made, jsonb_to_recordset(${listed}::jsonb)
              as entry (id uuid, account text, amount bigint, currency char(3))`,
    )
    .returning({ id: ledgerEntryTable.id });
}

/** The first currency in which entries do not sum to zero. @throws Error for an amount that is no integer */
function findImbalance(entries: readonly Entry[]): string | undefined {
  const sums = new Map<string, number>();
  for (const { amount, currency } of entries) {
    if (!Number.isSafeInteger(amount)) throw new Error(`${amount} is no amount of minor units.`);
    sums.set(currency, (sums.get(currency) ?? 0) + amount);
  }
  return [...sums].find(([, sum]) => sum !== 0)?.[0];
}

export { type Entry, Posting } from "./posting.js";
