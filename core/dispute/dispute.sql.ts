import { isNotNull, isNull, type SQL, sql } from "drizzle-orm";
import {
  bigint,
  char,
  check,
  type ExtraConfigColumn,
  foreignKey,
  index,
  type PgColumn,
  text,
  unique,
} from "drizzle-orm/pg-core";
import { instant, minorUnits, version } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";
import { id } from "../kernel/id.js";
import type { Currency } from "../kernel/money.js";
import { OrderId } from "../order/order.sql.js";
import { PaymentId, paymentTable } from "../payment/payment.sql.js";

export const DisputeId = id("dsp");

/** The deadline as lists sort by it: a dispute without one comes last. */
export const deadlineOf = (evidenceDueAt: PgColumn | ExtraConfigColumn): SQL =>
  sql`coalesce(${evidenceDueAt}, 'infinity'::timestamptz)`;

/** A shopper's bank takes money back and asks for evidence; the status is the provider's own. */
export const disputeTable = tenantTable(
  "dispute",
  {
    id: DisputeId.column("id").notNull(),
    paymentId: PaymentId.column("payment_id").notNull(),
    orderId: OrderId.column("order_id").notNull(),
    /** The provider's id of the dispute. */
    reference: text("reference").notNull(),
    status: text("status").notNull(),
    reason: text("reason").notNull(),
    amount: minorUnits("amount").notNull(),
    currency: char("currency", { length: 3 }).notNull().$type<Currency>(),
    /** The amount that the provider took from the merchant for the dispute and has not reinstated. */
    withheld: bigint("withheld", { mode: "number" }).notNull().default(0),
    evidenceDueAt: instant("evidence_due_at"),
    /** The last deadline of which a reminder was sent. */
    remindedDeadline: instant("reminded_of"),
    openedAt: instant("opened_at").notNull(),
    closedAt: instant("closed_at"),
    version: version(),
  },
  (self) => [
    foreignKey({
      name: "dispute_payment",
      columns: [self.tenantId, self.paymentId],
      foreignColumns: [paymentTable.tenantId, paymentTable.id],
    }),
    unique("dispute_reference").on(self.tenantId, self.reference),
    index("dispute_payment_id").on(self.tenantId, self.paymentId),
    index("dispute_deadline").on(self.tenantId, deadlineOf(self.evidenceDueAt), self.id),
    index("dispute_open_deadline")
      .on(self.tenantId, deadlineOf(self.evidenceDueAt), self.id)
      .where(isNull(self.closedAt)),
    index("dispute_closed_deadline")
      .on(self.tenantId, deadlineOf(self.evidenceDueAt), self.id)
      .where(isNotNull(self.closedAt)),
    index("dispute_status_deadline").on(self.tenantId, self.status, deadlineOf(self.evidenceDueAt), self.id),
    check("dispute_amount", sql`amount >= 0`),
  ],
);
