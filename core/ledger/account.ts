/**
 * The chart of accounts. `side` is the side on which an account increases: debit for assets and expenses, credit for
 * liabilities and income.
 */
const accounts = {
  receivable: { name: "Owed by shoppers", side: "debit" },
  sales: { name: "Goods sold, without tax", side: "credit" },
  shipping: { name: "Delivery charged, without tax", side: "credit" },
  tax_payable: { name: "Tax collected for the state", side: "credit" },
  refunds: { name: "Refunds of open and completed orders, without tax", side: "debit" },
  platform_fees: { name: "Fees of the platform", side: "debit" },
  processor_fees: { name: "Fees of payment providers", side: "debit" },
  disputes: { name: "Withheld for disputes that are not lost", side: "debit" },
  dispute_losses: { name: "Lost in disputes", side: "debit" },
} as const;

/** `processor:stripe` is the money that a provider holds for the merchant, or that it has paid out. */
export type Account = keyof typeof accounts | `processor:${string}`;
export const sides = ["debit", "credit"] as const;

const PROCESSOR = "processor:";

/**
 * The name of an account, and the side on which it increases. Entries outlive the chart: an account that is no longer
 * in it is called by its code.
 */
export function describeAccount(account: string): { name: string; side: (typeof sides)[number] } {
  if (account.startsWith(PROCESSOR)) return { name: `Money at ${account.slice(PROCESSOR.length)}`, side: "debit" };
  return accounts[account as keyof typeof accounts] ?? { name: account, side: "debit" };
}
