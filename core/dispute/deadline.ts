import { and, eq, inArray, sql } from "drizzle-orm";
import * as z from "zod";
import { db } from "../kernel/db.js";
import { emit } from "../kernel/event/index.js";
import { defineJob, enqueue } from "../kernel/job/index.js";
import { DisputeId, disputeTable } from "./dispute.sql.js";
import { DisputeEvidenceDue } from "./event.js";

/** Hours before the deadline. */
const REMINDER_LEAD = 72;

/** Statuses in which the provider waits for evidence (https://docs.stripe.com/api/disputes/object). */
const awaitingEvidence = ["needs_response", "warning_needs_response", "appeal_needs_response"];

export const awaitsEvidence = ({ status }: { status: string }): boolean => awaitingEvidence.includes(status);

/** Seconds until the reminder of the deadline, by the clock of the database; null when there is no deadline. */
export const secondsUntilReminder = sql<number | null>`greatest(0, ceil(extract(epoch from
  ${disputeTable.evidenceDueAt} - make_interval(hours => ${REMINDER_LEAD}) - now())))::float8`;

interface Due {
  id: string;
  status: string;
  evidenceDueAt: string | null;
  /** Seconds. @see secondsUntilReminder */
  reminderDelay: number | null;
}

/** Makes the reminder of a deadline, in the open transaction: one for each, because a provider may move it. */
export function enqueueReminder({ id, status, evidenceDueAt, reminderDelay }: Due): void {
  if (evidenceDueAt === null || reminderDelay === null || !awaitsEvidence({ status })) return;
  enqueue(evidenceDueJob, { disputeId: id }, { key: `${id} ${status} ${evidenceDueAt}`, delay: reminderDelay });
}

export const evidenceDueJob = defineJob("dispute.evidence-due", z.object({ disputeId: DisputeId }));

/** Emits one event before a deadline, unless evidence was sent, the dispute has ended or the deadline has moved. */
export const remindOfEvidence = ({ disputeId }: { disputeId: string }): Promise<void> =>
  db(async (tx) => {
    const { evidenceDueAt, remindedDeadline, version } = disputeTable;
    const [dispute] = await tx
      .update(disputeTable)
      .set({ remindedDeadline: sql`${evidenceDueAt}`, version: sql`${version} + 1` })
      .where(
        and(
          eq(disputeTable.id, disputeId),
          inArray(disputeTable.status, awaitingEvidence),
          sql`${evidenceDueAt} > now() and ${evidenceDueAt} <= now() + make_interval(hours => ${REMINDER_LEAD})`,
          sql`${remindedDeadline} is distinct from ${evidenceDueAt}`,
        ),
      )
      .returning();
    if (!dispute?.evidenceDueAt) return;
    const { orderId, status, amount, currency } = dispute;
    const about = { disputeId, orderId, status, amount: { amount, currency } };
    emit(DisputeEvidenceDue, { ...about, evidenceDueAt: dispute.evidenceDueAt });
  });
