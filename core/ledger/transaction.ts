import { and, asc, desc, eq, lt, type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import type { Reader } from "../../drizzle/reader.js";
import { requireFeature } from "../entitlement/index.js";
import { read } from "../kernel/db.js";
import { fn } from "../kernel/fn.js";
import { Money } from "../kernel/money.js";
import { pageQuery, paginate } from "../kernel/page.js";
import { LedgerKindName } from "./kind.js";
import { ledgerEntryTable, ledgerTransactionTable, TransactionId } from "./ledger.sql.js";

const LedgerEntry = z.object({
  account: z.string(),
  amount: Money.meta({ description: "A debit is positive, a credit negative" }),
});
export const LedgerTransaction = z
  .object({
    id: TransactionId,
    kind: z.string().meta({ examples: ["order.placed"] }),
    reference: z
      .string()
      .meta({ description: "The id of the order, payment event or dispute that the transaction records" }),
    occurredAt: z.string(),
    entries: z.array(LedgerEntry),
  })
  .meta({
    id: "LedgerTransaction",
    description: "One business fact in money. Its entries sum to zero; it never changes.",
  });

export const TransactionPage = pageQuery({
  kind: LedgerKindName.optional().describe("Transactions of this kind only"),
  reference: z.string().max(255).optional().describe("Those of one thing: the id of an order, a payment, a refund"),
  account: z.string().max(100).optional().describe("Those with an entry in this account"),
});
type TransactionFilter = z.output<typeof TransactionPage> & { after: string | undefined };

const view = {
  id: ledgerTransactionTable.id,
  kind: ledgerTransactionTable.kind,
  reference: ledgerTransactionTable.reference,
  occurredAt: ledgerTransactionTable.occurredAt,
};

/** Selects a page of transactions, and one row more, which tells that there is a next page. */
function matchingTransactions<Columns extends Partial<typeof view>>(
  q: Reader,
  columns: Columns,
  of: TransactionFilter,
) {
  const where = and(
    of.kind && eq(ledgerTransactionTable.kind, of.kind),
    of.reference === undefined ? undefined : eq(ledgerTransactionTable.reference, of.reference),
  );
  if (of.account !== undefined) return matchingByAccount(q, columns, of, of.account, where);
  return q
    .select(columns as typeof view)
    .from(ledgerTransactionTable)
    .where(and(where, of.after ? lt(ledgerTransactionTable.id, of.after) : undefined))
    .orderBy(desc(ledgerTransactionTable.id))
    .limit(of.limit + 1);
}

/** Begins with the entries, whose index has those of an account in the order of their transactions. */
function matchingByAccount<Columns extends Partial<typeof view>>(
  q: Reader,
  columns: Columns,
  { after, limit }: TransactionFilter,
  account: string,
  where: SQL | undefined,
) {
  const { transactionId } = ledgerEntryTable;
  return q
    .selectDistinctOn([transactionId], columns as typeof view)
    .from(ledgerEntryTable)
    .innerJoin(ledgerTransactionTable, eq(ledgerTransactionTable.id, transactionId))
    .where(and(eq(ledgerEntryTable.account, account), where, after ? lt(transactionId, after) : undefined))
    .orderBy(desc(transactionId))
    .limit(limit + 1);
}

/** Lists transactions, the newest first. */
export const listTransactions = fn(TransactionPage, async ({ cursor, ...filters }) => {
  const { limit, ...rest } = filters;
  const { after, page: answer } = paginate("ledger_transactions", cursor, rest);
  const of = { ...filters, after: after.id };
  const [rows, entries] = await read(
    (q) =>
      [
        matchingTransactions(q, view, of),
        q
          .select({
            transactionId: ledgerEntryTable.transactionId,
            account: ledgerEntryTable.account,
            amount: ledgerEntryTable.amount,
            currency: ledgerEntryTable.currency,
          })
          .from(ledgerEntryTable)
          .where(sql`${ledgerEntryTable.transactionId} = any(array(${matchingTransactions(q, { id: view.id }, of)}))`)
          .orderBy(asc(ledgerEntryTable.id)),
      ] as const,
  );
  await requireFeature("ledger");
  return answer(
    rows,
    limit,
    (row) => ({ id: row.id }),
    (row) => ({
      ...row,
      entries: entries
        .filter(({ transactionId }) => transactionId === row.id)
        .map(({ account, amount, currency }) => ({ account, amount: { amount, currency } })),
    }),
  );
});
