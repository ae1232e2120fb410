import { eq } from "drizzle-orm";
import { db } from "../kernel/db.js";
import { Ledger, Posting } from "../ledger/index.js";
import { orderTable } from "./order.sql.js";

/** The facts of orders that the ledger records. */
export const orderLedgerKinds = ["order.placed"] as const;

/** Records the sale of a placed order in the ledger. */
export const recordSale = ({ orderId }: { orderId: string }) =>
  db(async (tx) => {
    const [order] = await tx.select().from(orderTable).where(eq(orderTable.id, orderId));
    if (order) await Ledger.record("order.placed", orderId, Posting.saleEntries(order));
  });
