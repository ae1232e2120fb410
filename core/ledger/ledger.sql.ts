import { sql } from "drizzle-orm";
import { bigint, char, check, foreignKey, index, text, unique } from "drizzle-orm/pg-core";
import { instant } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";
import { id } from "../kernel/id.js";
import type { Currency } from "../kernel/money.js";

export const TransactionId = id("ltx");
export const EntryId = id("len");

/** One business fact in money: append-only; its entries sum to zero at commit, which a deferred trigger enforces. */
export const ledgerTransactionTable = tenantTable(
  "ledger_transaction",
  {
    id: TransactionId.column("id").notNull(),
    kind: text("kind").notNull(),
    /** The id of the order, payment event or dispute that is recorded; with the kind it is recorded once. */
    reference: text("reference").notNull(),
    occurredAt: instant("occurred_at").notNull().default(sql`now()`),
  },
  (self) => [
    unique("ledger_transaction_fact").on(self.tenantId, self.reference, self.kind),
    index("ledger_transaction_kind").on(self.tenantId, self.kind, self.id),
  ],
  { appendOnly: true },
);

/** Debit is positive, credit negative, in minor units: append-only. */
export const ledgerEntryTable = tenantTable(
  "ledger_entry",
  {
    id: EntryId.column("id").notNull(),
    transactionId: TransactionId.column("transaction_id").notNull(),
    account: text("account").notNull(),
    amount: bigint("amount", { mode: "number" }).notNull(),
    currency: char("currency", { length: 3 }).notNull().$type<Currency>(),
  },
  (self) => [
    foreignKey({
      name: "ledger_entry_transaction",
      columns: [self.tenantId, self.transactionId],
      foreignColumns: [ledgerTransactionTable.tenantId, ledgerTransactionTable.id],
    }),
    index("ledger_entry_transaction_id").on(self.tenantId, self.transactionId),
    index("ledger_entry_account").on(self.tenantId, self.account, self.currency, self.id),
    index("ledger_entry_account_transaction").on(self.tenantId, self.account, self.transactionId),
    check("ledger_entry_amount", sql`amount <> 0`),
  ],
  { appendOnly: true },
);
