import * as z from "zod";
import { defineScope } from "../../core/kernel/access.js";
import { listOf } from "../../core/kernel/page.js";
import { Ledger } from "../../core/ledger/index.js";
import { ledgerEntryTable, ledgerTransactionTable } from "../../core/ledger/ledger.sql.js";
import { endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";

const readLedger = defineScope("ledger:read", "ADMIN");

const routes = [
  endpoint(
    "get",
    "/v1/admin/ledger/accounts",
    {
      allow: readLedger,
      query: Ledger.BalanceFilter,
      returns: [200, z.object({ data: z.array(Ledger.AccountBalance) })],
      summary: "Get the trial balance",
      description:
        "All accounts in each currency, with debits, credits and balance. The balances of a currency sum to zero.",
    },
    ({ query }) => Ledger.listAccounts(query),
  ),
  endpoint(
    "get",
    "/v1/admin/ledger/transactions",
    {
      allow: readLedger,
      query: Ledger.TransactionPage,
      returns: [200, listOf(Ledger.LedgerTransaction)],
      summary: "List ledger transactions",
    },
    ({ query }) => Ledger.listTransactions(query),
  ),
];

export const ledger: Module = {
  name: "ledger",
  scopes: [readLedger],
  tables: [ledgerTransactionTable, ledgerEntryTable],
  routes,
};
