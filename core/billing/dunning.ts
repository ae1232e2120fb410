import { and, asc, eq, lte, sql } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { planOf } from "../entitlement/index.js";
import { memberTable } from "../identity/identity.sql.js";
import { db } from "../kernel/db.js";
import { enqueue } from "../kernel/job/index.js";
import { subscriptionTable } from "./billing.sql.js";
import { syncSubscriptionJob } from "./job.js";
import { type Notice, noticeMailJob } from "./notice.js";
import { applySnapshot, lockAccount } from "./snapshot.js";
import { billingStateOf, nextStep } from "./status.js";
import { factsIn } from "./stripe-subscription.js";

const isDue = lte(subscriptionTable.nextStepAt, sql`now()`);

/**
 * Runs the due steps of dunning of the actor's tenant, each in a transaction of its own. The tenant's status, the
 * notices to its owners and the number of steps are committed together, so that neither two concurrent runs nor a run
 * that crashes skip or repeat a step.
 * @returns the number of transactions
 */
export async function advanceDunning(): Promise<number> {
  let done = 0;
  while (await db(runStep)) done += 1;
  return done;
}

async function runStep(tx: Tx): Promise<boolean> {
  const held = await lockAccount(tx, isDue, { skipLocked: true }); // another run holds the lock
  if (!held) return false;
  const { row, now } = held;
  const { dunning } = planOf(row.plan);
  const stand = billingStateOf(row, dunning, now);
  const next = nextStep(stand, dunning, row.dunningStep);
  const isNow = next !== undefined && Date.parse(next.at) <= now;
  if (isNow && stand.since !== null)
    await enqueueNotices(tx, { since: stand.since, kind: next.kind, number: row.dunningStep });
  // Each check asks Stripe, too: a payment may have come whose webhook was lost.
  if (row.customer !== null) enqueue(syncSubscriptionJob, {}, { key: `${row.nextStepAt}` });
  await applySnapshot(tx, held, factsIn(row), { steps: row.dunningStep + (isNow ? 1 : 0) });
  return true;
}

/** Enqueues a job for each owner that sends the notice. */
async function enqueueNotices(tx: Tx, notice: Omit<Notice, "memberId">): Promise<void> {
  const owners = await tx
    .select({ id: memberTable.id })
    .from(memberTable)
    .where(and(eq(memberTable.role, "OWNER"), eq(memberTable.status, "active")))
    .orderBy(asc(memberTable.id))
    .limit(100);
  for (const { id } of owners)
    enqueue(noticeMailJob, { memberId: id, ...notice }, { key: `${notice.since}/${notice.number}/${id}` });
}
