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
export const DisputeClosed = defineEvent("dispute.closed", about);
/** Three days are left to send evidence, and none was sent. */
export const DisputeEvidenceDue = defineEvent("dispute.evidence_due", about.extend(due));

export const events = [DisputeOpened, DisputeUpdated, DisputeClosed, DisputeEvidenceDue];
