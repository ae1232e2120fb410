import * as z from "zod";
import { defineEvent } from "../kernel/event/index.js";
import { Money } from "../kernel/money.js";
import { OrderId } from "../order/order.sql.js";
import { DisputeId } from "./dispute.sql.js";

const about = z.object({ disputeId: DisputeId, orderId: OrderId, status: z.string(), amount: Money });
const due = { evidenceDueAt: z.string() };

export const DisputeOpened = defineEvent(
  "dispute.opened",
  about.extend({ reason: z.string(), evidenceDueAt: due.evidenceDueAt.nullable() }),
);
export const DisputeUpdated = defineEvent("dispute.updated", about.extend({ evidenceDueAt: z.string().nullable() }));
/** A dispute that had ended goes on. */
export const DisputeReopened = defineEvent("dispute.reopened", about.extend({ evidenceDueAt: z.string().nullable() }));
/** The provider took money from the merchant, or gave some back; the amount is what has moved. */
export const DisputeFundsWithdrawn = defineEvent("dispute.funds_withdrawn", about);
export const DisputeFundsReinstated = defineEvent("dispute.funds_reinstated", about);
export const DisputeClosed = defineEvent("dispute.closed", about);
/** Three days are left to send evidence, and none was sent. */
export const DisputeEvidenceDue = defineEvent("dispute.evidence_due", about.extend(due));

export const events = [
  DisputeOpened,
  DisputeReopened,
  DisputeUpdated,
  DisputeClosed,
  DisputeFundsWithdrawn,
  DisputeFundsReinstated,
  DisputeEvidenceDue,
];
