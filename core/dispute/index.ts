export * as Dispute from "./index.js";

import { and, asc, eq, isNotNull, isNull, sql } from "drizzle-orm";
import * as z from "zod";
import { param } from "../../drizzle/prepared.js";
import { read } from "../kernel/db.js";
import { notFound } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { Money } from "../kernel/money.js";
import { pageQuery, paginate } from "../kernel/page.js";
import { OrderId } from "../order/order.sql.js";
import { PaymentId } from "../payment/payment.sql.js";
import { DisputeId, deadlineOf, disputeTable } from "./dispute.sql.js";

export { evidenceDueJob, remindOfEvidence } from "./deadline.js";
export { DisputeId } from "./dispute.sql.js";
export { events } from "./event.js";
export { disputeLedgerAccounts, disputeLedgerKinds } from "./snapshot.js";
export { disputeHandlers, sync } from "./sync.js";

export const DisputeRecord = z
  .object({
    id: DisputeId,
    orderId: OrderId,
    paymentId: PaymentId,
    reference: z.string().meta({ description: "The provider's id" }),
    status: z.string().meta({
      description: "The provider's status: `needs_response`, `under_review`, `won`, `lost`, …",
      examples: ["needs_response"],
    }),
    reason: z.string().meta({ examples: ["product_not_received"] }),
    amount: Money,
    withheld: Money.meta({
      description: "The amount that the provider withdrew and has not reinstated, without its fee",
    }),
    evidenceDueAt: z
      .string()
      .nullable()
      .meta({ description: "The deadline for evidence; null when none can be submitted" }),
    openedAt: z.string(),
    closedAt: z.string().nullable(),
    version: z.int(),
  })
  .meta({ id: "Dispute", description: "A shopper disputed a charge with the card issuer." });

const columns = {
  id: disputeTable.id,
  orderId: disputeTable.orderId,
  paymentId: disputeTable.paymentId,
  reference: disputeTable.reference,
  status: disputeTable.status,
  reason: disputeTable.reason,
  amount: disputeTable.amount,
  withheld: disputeTable.withheld,
  currency: disputeTable.currency,
  evidenceDueAt: disputeTable.evidenceDueAt,
  openedAt: disputeTable.openedAt,
  closedAt: disputeTable.closedAt,
  version: disputeTable.version,
};
type Row = Pick<typeof disputeTable.$inferSelect, keyof typeof columns>;

const view = ({ amount, withheld, currency, ...dispute }: Row): z.input<typeof DisputeRecord> => ({
  ...dispute,
  amount: { amount, currency },
  withheld: { amount: withheld, currency },
});

export const DisputePage = pageQuery({
  open: z.enum(["true", "false"]).optional().describe("`true`: those that are not decided yet. `false`: the others"),
  status: z.string().max(50).optional().describe("Disputes in this status of Stripe's only: needs_response"),
});

const due = deadlineOf(disputeTable.evidenceDueAt);

/** The disputes, sorted by deadline, the nearest first; disputes without a deadline come last. */
export const list = fn(DisputePage, async ({ limit, cursor, open, status }) => {
  const { after, page: answer } = paginate("disputes", cursor, { open, status });
  const { id: last, due: until } = after;
  const rows = await read((q) =>
    q
      .select(columns)
      .from(disputeTable)
      .where(
        and(
          open && (open === "true" ? isNull : isNotNull)(disputeTable.closedAt),
          status === undefined ? undefined : eq(disputeTable.status, status),
          last
            ? sql`(${due}, ${disputeTable.id}) > (${until}::timestamptz, ${param(last, disputeTable.id)})`
            : undefined,
        ),
      )
      .orderBy(asc(due), asc(disputeTable.id))
      .limit(limit + 1),
  );
  return answer(rows, limit, (row) => ({ due: row.evidenceDueAt ?? "infinity", id: row.id }), view);
});

export const get = fn(DisputeId, async (disputeId) => {
  const [dispute] = await read((q) => q.select(columns).from(disputeTable).where(eq(disputeTable.id, disputeId)));
  if (!dispute) throw notFound("dispute");
  return view(dispute);
});
