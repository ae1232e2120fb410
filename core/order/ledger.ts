import { eq } from "drizzle-orm";
import { db } from "../kernel/db.js";
import { Ledger, type LedgerAccount, Posting } from "../ledger/index.js";
import { orderTable } from "./order.sql.js";
import { columns } from "./view.js";

/** The facts of orders that the ledger records. */
export const orderLedgerKinds = ["order.placed", "order.cancelled"] as const;

export const orderLedgerAccounts: readonly LedgerAccount[] = [
  { code: "receivable", name: "Owed by shoppers", side: "debit" },
  { code: "sales", name: "Goods sold, without tax", side: "credit" },
  { code: "shipping", name: "Delivery charged, without tax", side: "credit" },
  { code: "tax_payable", name: "Tax collected for the state", side: "credit" },
];

/** Records the sale of a placed order in the ledger. */
export const recordSale = ({ orderId }: { orderId: string }) =>
  db(async (tx) => {
    const [order] = await tx.select(columns).from(orderTable).where(eq(orderTable.id, orderId));
    if (order) await Ledger.record("order.placed", orderId, Posting.saleEntries(order));
  });
