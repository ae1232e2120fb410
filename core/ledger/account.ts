import { Registry } from "../kernel/registry.js";

export const sides = ["debit", "credit"] as const;

/** An account of the ledger. */
export interface LedgerAccount {
  /** Permanent: entries carry it. */
  code: string;
  name: string;
  /** The side on which it increases: debit for assets and expenses, credit for liabilities and income. */
  side: (typeof sides)[number];
}

/** The chart of accounts: those of all modules. */
export const ledgerAccounts = new Registry<LedgerAccount>("ledger account", ({ code }) => code);

const PROCESSOR = "processor:";

/**
 * The account of a code; undefined when no module lists it. `processor:stripe` is the money that a provider holds for
 * the merchant, or that it has paid out; each provider has such an account.
 */
export function findLedgerAccount(code: string): LedgerAccount | undefined {
  if (!code.startsWith(PROCESSOR)) return ledgerAccounts.find(code);
  return { code, name: `Money at ${code.slice(PROCESSOR.length)}`, side: "debit" };
}
