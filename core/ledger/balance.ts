import { asc, eq, sql } from "drizzle-orm";
import * as z from "zod";
import { requireFeature } from "../entitlement/index.js";
import { read } from "../kernel/db.js";
import { fn } from "../kernel/fn.js";
import { Currency, Money } from "../kernel/money.js";
import { findLedgerAccount, sides } from "./account.js";
import { ledgerEntryTable } from "./ledger.sql.js";

export const AccountBalance = z
  .object({
    account: z.string().meta({ examples: ["receivable", "processor:stripe"] }),
    name: z.string(),
    side: z.enum(sides).meta({ description: "The side on which the account increases" }),
    debits: Money,
    credits: Money,
    balance: Money.meta({ description: "Debits less credits" }),
  })
  .meta({ id: "LedgerAccount", description: "The balance of an account in one currency." });

export const BalanceFilter = z.strictObject({ currency: Currency.optional() });

/** Entries outlive the module that listed their account: the account is then called by its code. */
const nameOf = (code: string) => {
  const { name, side } = findLedgerAccount(code) ?? { name: code, side: "debit" };
  return { name, side };
};

/** The trial balance: all accounts in each currency, whose balances sum to zero. */
export const listAccounts = fn(BalanceFilter, async ({ currency }) => {
  const { account, amount, currency: of } = ledgerEntryTable;
  const rows = await read((q) =>
    q
      .select({
        account,
        currency: of,
        debits: sql`coalesce(sum(${amount}) filter (where ${amount} > 0), 0)`.mapWith(Number),
        credits: sql`coalesce(-sum(${amount}) filter (where ${amount} < 0), 0)`.mapWith(Number),
      })
      .from(ledgerEntryTable)
      .where(currency ? eq(of, currency) : undefined)
      .groupBy(account, of)
      .orderBy(asc(account), asc(of)),
  );
  await requireFeature("ledger");
  return {
    data: rows.map((row) => {
      const money = (value: number): Money => ({ amount: value, currency: row.currency });
      const { debits, credits } = row;
      return {
        account: row.account,
        ...nameOf(row.account),
        debits: money(debits),
        credits: money(credits),
        balance: money(debits - credits),
      };
    }),
  };
});
