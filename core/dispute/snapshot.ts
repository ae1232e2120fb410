import { and, eq, getTableColumns, sql } from "drizzle-orm";
import type * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { Incident } from "../incident/index.js";
import { type EventType, emit } from "../kernel/event/index.js";
import { bump } from "../kernel/version.js";
import { Ledger, type LedgerAccount, Posting } from "../ledger/index.js";
import { type AttentionState, Order } from "../order/index.js";
import { orderTable } from "../order/order.sql.js";
import { enqueueReminder, secondsUntilReminder } from "./deadline.js";
import { DisputeId, disputeTable } from "./dispute.sql.js";
import { attentionAfter, disputeFactKinds, factsOf } from "./fact.js";
import type { DisputeSnapshot } from "./stripe-dispute.js";

/** The facts of disputes that the ledger records. */
export const disputeLedgerKinds = ["dispute.funds", "dispute.fee", "dispute.lost"] as const;

export const disputeLedgerAccounts: readonly LedgerAccount[] = [
  { code: "processor_fees", name: "Fees of payment providers", side: "debit" },
  { code: "disputes", name: "Withheld for disputes that are not lost", side: "debit" },
  { code: "dispute_losses", name: "Lost in disputes", side: "debit" },
];

type DisputeRow = typeof disputeTable.$inferSelect;

/** The payment, and the provider's id of the dispute about it. */
interface Payment {
  id: string;
  orderId: string;
  provider: string;
  disputed: string;
}

/**
 * Writes the differences between the provider's report of a dispute and its row, in the open transaction, with all that
 * follows: the ledger, the order's timeline, events, the reminder of the deadline.
 * @param before the row as it was before the provider was asked
 * @returns false, without a write, when another transaction has changed the row since
 */
export async function applySnapshot(
  tx: Tx,
  payment: Payment,
  before: DisputeRow | undefined,
  facts: DisputeSnapshot,
): Promise<boolean> {
  if (before && !differs(before, facts)) {
    await recordInLedger(payment, before, before, facts);
    return true;
  }
  const now = await upsertDispute(tx, payment, before, facts);
  if (!now) return false;
  await recordInLedger(payment, before, now, facts);
  await writeFacts(tx, payment, before, now);
  enqueueReminder(now);
  if (!before)
    await Incident.resolveAutomatically("dispute.unknown_payment", payment.disputed, "The payment was found.");
  return true;
}

function differs(row: DisputeRow, facts: DisputeSnapshot): boolean {
  const { evidenceDueAt, closed } = facts;
  const at = (instant: string | null) => instant && Date.parse(instant); // they are written in two ways
  const same = (["status", "reason", "amount", "currency", "withheld"] as const).every(
    (name) => row[name] === facts[name],
  );
  return !same || at(row.evidenceDueAt) !== at(evidenceDueAt) || (row.closedAt !== null) !== closed;
}

async function upsertDispute(tx: Tx, payment: Payment, before: DisputeRow | undefined, facts: DisputeSnapshot) {
  const { status, reason, amount, currency, withheld, evidenceDueAt, openedAt, closed } = facts;
  const said = { status, reason, amount, currency, withheld, evidenceDueAt };
  const closedAt = closed ? sql`coalesce(${disputeTable.closedAt}, now())` : null;
  const columns = { ...getTableColumns(disputeTable), reminderDelay: secondsUntilReminder };
  const [written] = await (before
    ? tx
        .update(disputeTable)
        .set({ ...said, closedAt, version: bump(disputeTable) })
        .where(and(eq(disputeTable.id, before.id), eq(disputeTable.version, before.version)))
        .returning(columns)
    : tx
        .insert(disputeTable)
        .values({
          ...said,
          id: DisputeId.create(),
          paymentId: payment.id,
          orderId: payment.orderId,
          reference: payment.disputed,
          openedAt,
          closedAt: closed ? sql`now()` : null,
        })
        .onConflictDoNothing({ target: [disputeTable.tenantId, disputeTable.reference] })
        .returning(columns));
  return written;
}

const lostAmountOf = (row: DisputeRow | undefined) => (row?.status === "lost" ? row.withheld : 0);

/**
 * Each movement of money has an id at the provider and is recorded once under it. The loss of the withheld amount may
 * change more than once, by an appeal, and is recorded once for each version of the row.
 */
async function recordInLedger(
  { provider }: Payment,
  before: DisputeRow | undefined,
  now: DisputeRow,
  { moves }: DisputeSnapshot,
): Promise<void> {
  const { currency } = now;
  for (const { id, amount, fee } of moves) {
    await Ledger.record("dispute.funds", id, Posting.disputeEntries({ provider, currency, amount }));
    await Ledger.record("dispute.fee", id, Posting.disputeFeeEntries({ provider, ...fee }));
  }
  const amount = lostAmountOf(now) - lostAmountOf(before);
  await Ledger.record("dispute.lost", `${now.id} v${now.version}`, Posting.disputeLossEntries({ currency, amount }));
}

/** Writes what happened into the order's history, moves its version, and emits an event of each fact. */
async function writeFacts(
  tx: Tx,
  { provider }: Payment,
  before: DisputeRow | undefined,
  now: DisputeRow,
): Promise<void> {
  const { id: disputeId, orderId, status, reason, evidenceDueAt, currency } = now;
  const facts = factsOf(before, now);
  if (facts.length === 0) return;
  const [order] = await tx.select().from(orderTable).where(eq(orderTable.id, orderId)).for("update");
  if (!order) throw new Error("The order does not exist.");
  let state: AttentionState = order;
  const actor = { type: "provider", provider };
  for (const fact of facts) {
    state = attentionAfter(state, disputeId, fact);
    const amount = { amount: fact.amount, currency };
    const data = { disputeId, orderId, status, amount, reason, evidenceDueAt };
    emit(disputeFactKinds[fact.type].event as EventType<z.ZodObject>, data);
    Order.addToTimeline(tx, orderId, [{ type: fact.type, data: { disputeId, amount, status, reason }, actor }]);
  }
  Order.updateProgress(tx, orderId, { attention: state.attention, concerns: state.concerns });
}
