import { and, eq, inArray, sql } from "drizzle-orm";
import type { Reader } from "../../drizzle/reader.js";
import { db, defer, read } from "../kernel/db.js";
import type { Money } from "../kernel/money.js";
import { anyOf, insertRows } from "../kernel/rows.js";
import { ledgerEntryTable, ledgerTransactionTable } from "../ledger/ledger.sql.js";
import { paymentEventTable } from "../payment/payment.sql.js";
import { saleFactTable, saleQuarterTable } from "./report.sql.js";

type SaleFact = typeof saleFactTable.$inferInsert;

/** Writes the facts that were not written before, and adds them to the sums of their quarters, in one statement. */
const insertFacts = (facts: readonly SaleFact[]): Promise<void> =>
  db(async (tx) => {
    if (facts.length === 0) return;
    const made = tx.$with("made").as(insertRows(tx, saleFactTable, facts).onConflictDoNothing().returning());
    const { tenantId, quarter, currency, orders, cancelledOrders, gross, cancelled, refunded } = saleQuarterTable;
    const sums = { orders, cancelledOrders, gross, cancelled, refunded };
    defer(
      tx
        .with(made)
        .insert(saleQuarterTable)
        .select(sumsOfFacts)
        .onConflictDoUpdate({
          target: [tenantId, quarter, currency],
          set: Object.fromEntries(
            Object.entries(sums).map(([key, sum]) => [key, sql`${sum} + excluded.${sql.identifier(sum.name)}`]),
          ),
        }),
    );
  });

/** The rows of the quarters with what the new facts add to them. */
const sumsOfFacts = sql`
  select tenant_id, now(), now(), floor(extract(epoch from occurred_at) / 900)::int as quarter, currency,
         count(*) filter (where kind = 'placed'), count(*) filter (where kind = 'cancelled'),
         coalesce(sum(amount) filter (where kind = 'placed'), 0),
         coalesce(sum(amount) filter (where kind = 'cancelled'), 0),
         coalesce(sum(amount) filter (where kind = 'refunded'), 0)
           - coalesce(sum(amount) filter (where kind = 'refund_failed'), 0)
    from made group by tenant_id, quarter, currency`;

interface PlacedOrder {
  orderId: string;
  total: Money;
  placedAt: string;
}
const placedFact = ({ orderId: reference, placedAt: occurredAt, total }: PlacedOrder): SaleFact => ({
  ...{ reference, kind: "placed", occurredAt },
  ...total,
});

/** Counts an order that was placed. */
export const countPlaced = (order: PlacedOrder): Promise<void> => insertFacts([placedFact(order)]);

/**
 * Counts what a cancellation has undone: the total without the part that was refunded before, which is counted as a
 * refund. An order that was never placed was no sale.
 * @param cancelledAt the instant of the cancellation
 */
export const countCancelled = (
  { placedAt, ...order }: Omit<PlacedOrder, "placedAt"> & { placedAt: string | null },
  cancelledAt: string,
): Promise<void> =>
  db(async () => {
    if (placedAt === null) return;
    const { orderId: reference, total } = order;
    const [undone] = await read((q) => postedQuery(q, { references: [reference], ...cancellation }));
    const cancelled = { reference, kind: "cancelled", occurredAt: cancelledAt, currency: total.currency } as const;
    await insertFacts([placedFact({ ...order, placedAt }), { ...cancelled, amount: -(undone?.amount ?? 0) }]);
  });

/**
 * Counts the refunds of a payment that took back a part of a sale, and those that failed later. The money of a payment
 * that counts for no order is no sale, so the ledger says which part is one.
 */
export const countRefunds = ({ paymentId }: { paymentId: string }): Promise<void> =>
  db(async () => {
    const events = await read((q) =>
      q
        .select({ id: paymentEventTable.id })
        .from(paymentEventTable)
        .where(
          and(
            eq(paymentEventTable.paymentId, paymentId),
            inArray(paymentEventTable.type, ["refunded", "refund_failed"]),
          ),
        ),
    );
    const posted = await read((q) => postedQuery(q, { references: events.map(({ id }) => id), ...allowances }));
    await insertFacts(
      posted.map(({ kind, amount, ...fact }) => ({
        ...fact,
        kind: kind === "payment.refunded" ? "refunded" : "refund_failed",
        amount: Math.abs(amount),
      })),
    );
  });

interface Posted {
  references: readonly string[];
  kinds: readonly string[];
  accounts: readonly string[];
}
const cancellation = { kinds: ["order.cancelled"], accounts: ["receivable"] };
const allowances = { kinds: ["payment.refunded", "payment.refund_failed"], accounts: ["refunds", "tax_payable"] };

/** The sum of a ledger transaction on some accounts, for each transaction that has entries there. */
function postedQuery(q: Reader, { references, kinds, accounts }: Posted) {
  const { id, kind, reference, occurredAt } = ledgerTransactionTable;
  const { transactionId, account, amount, currency } = ledgerEntryTable;
  return q
    .select({ kind, reference, occurredAt, currency, amount: sql`sum(${amount})`.mapWith(Number) })
    .from(ledgerTransactionTable)
    .innerJoin(ledgerEntryTable, eq(transactionId, id))
    .where(and(anyOf(reference, references), anyOf(kind, kinds), anyOf(account, accounts)))
    .groupBy(id, kind, reference, occurredAt, currency);
}
