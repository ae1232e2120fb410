import { and, asc, eq, lte, sql } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { planOf } from "../entitlement/index.js";
import { memberTable } from "../identity/identity.sql.js";
import { db } from "../kernel/db.js";
import { enqueue } from "../kernel/job/index.js";
import type { Account } from "./account.js";
import { hold, settle } from "./apply.js";
import { subscriptionTable } from "./billing.sql.js";
import { noticeMailJob } from "./notice.js";
import { nextStep, type Step, standing } from "./status.js";
import type { Facts } from "./stripe-subscription.js";
import { syncSubscriptionJob } from "./sync.js";

const isDue = lte(subscriptionTable.nextStepAt, sql`now()`);

/**
 * Walks the timetable of the actor's tenant as far as it is due, a step in a transaction of its own: where the tenant
 * stands, the letters to its owners and the count of steps are committed together, so that two who walk at once, or one
 * that dies, neither skip a step nor do one twice.
 * @returns how many transactions it took
 */
export async function advance(): Promise<number> {
  let done = 0;
  while (await db(step)) done += 1;
  return done;
}

async function step(tx: Tx): Promise<boolean> {
  const held = await hold(tx, isDue, { skipLocked: true }); // another walker is at it
  if (!held) return false;
  const { row, now } = held;
  const { dunning } = planOf(row.plan);
  const stand = standing(row, dunning, now);
  const next = nextStep(stand, dunning, row.dunningStep);
  const isNow = next !== undefined && Date.parse(next.at) <= now;
  if (isNow && stand.since !== null) await write(tx, { since: stand.since, kind: next.kind, number: row.dunningStep });
  // Whatever is due, Stripe is asked, too: a payment may have come of which nobody told us.
  if (row.customer !== null) enqueue(syncSubscriptionJob, {}, { key: `${row.nextStepAt}` });
  await settle(tx, held, factsIn(held), { steps: row.dunningStep + (isNow ? 1 : 0) });
  return true;
}

/** What Stripe said last. */
const factsIn = ({ row }: Account): Facts => {
  const { subscription, plan, interval, status, currentPeriodEnd, cancelAt, pastDueSince } = row;
  return { subscription, plan, interval, status, currentPeriodEnd, cancelAt, pastDueSince };
};

interface Letter {
  since: string;
  kind: Step["kind"];
  number: number;
}

/** A job for each owner. */
async function write(tx: Tx, letter: Letter): Promise<void> {
  const owners = await tx
    .select({ id: memberTable.id })
    .from(memberTable)
    .where(and(eq(memberTable.role, "OWNER"), eq(memberTable.status, "active")))
    .orderBy(asc(memberTable.id))
    .limit(100);
  for (const { id } of owners)
    enqueue(noticeMailJob, { memberId: id, ...letter }, { key: `${letter.since}/${letter.number}/${id}` });
}
