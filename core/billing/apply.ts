import { ne, or, type SQL, sql } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { planOf } from "../entitlement/index.js";
import { emit } from "../kernel/event/index.js";
import { bump } from "../kernel/version.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { type Account, clock, columns, millisecondsOf, tenantColumns, unchanged } from "./account.js";
import { subscriptionTable } from "./billing.sql.js";
import { SubscriptionUpdated, TenantStatusChanged } from "./event.js";
import { nextStep, type Standing, standing, transitions } from "./status.js";
import type { Facts } from "./stripe-subscription.js";

/** How long what we know of a customer is believed before Stripe is asked again. Milliseconds. */
const TRUST = 24 * 3_600_000;
/** While somebody owes, a payment that we have not heard of costs them their shop. */
const TRUST_IN_DEBT = 3_600_000;

/** Locks both rows. A transaction holds them for a moment: what Stripe says was asked before. */
export async function hold(tx: Tx, which: SQL, lock: { skipLocked?: boolean } = {}) {
  const [held] = await tx
    .select({ row: columns, tenant: tenantColumns, now: clock })
    .from(subscriptionTable)
    .innerJoin(tenantTableRoot, sql`true`)
    .where(which)
    .for("no key update", lock as { skipLocked: true });
  return held && ({ ...held, now: millisecondsOf(held.now) } satisfies Account);
}

/** Steps are counted from the day that something is owed; another debt begins anew. */
const anchorOf = ({ row, now }: Account, facts: Facts) =>
  standing({ ...row, ...facts }, planOf(facts.plan).dunning, now).since;

const differs = ({ row }: Account, facts: Facts) =>
  (Object.keys(facts) as (keyof Facts)[]).some((field) => row[field] !== facts[field]);

/** What is done of the timetable, and when Stripe was asked, if it was. */
interface Done {
  steps: number;
  askedAt?: string;
}

/**
 * Writes what is known now and what follows from it: where the tenant stands, what it may do, when it is looked at
 * again. The only writer of a tenant's status. Counts one version up even when nothing is new: whoever asked Stripe
 * before us and is slower must not have the last word.
 */
export async function settle(tx: Tx, held: Account, facts: Facts, { steps, ...asked }: Done): Promise<void> {
  const { row, now } = held;
  const { dunning, requestsPerSecond } = planOf(facts.plan);
  const stand = standing({ ...row, ...facts }, dunning, now);
  const dunningStep = anchorOf(held, row) === stand.since ? steps : 0;
  const nextStepAt = lookAt(held, stand, nextStep(stand, dunning, dunningStep)?.at);
  await tx
    .update(subscriptionTable)
    .set({ ...facts, ...asked, dunningStep, nextStepAt, version: bump(subscriptionTable) })
    .where(unchanged(row));
  if (differs(held, facts)) {
    const { plan, interval, status, currentPeriodEnd, cancelAt } = facts;
    emit(SubscriptionUpdated, { plan, interval, status, currentPeriodEnd, cancelAt });
  }
  await move(tx, held, stand, { plan: facts.plan, requestRate: requestsPerSecond });
}

/** When time alone may change something: a step, the end of a trial, or that Stripe has not been asked for long. */
function lookAt({ row, now }: Account, { cause }: Standing, step: string | undefined): string | null {
  const inDebt = cause === "owed" || cause === "overdue";
  const trialEnd = row.trialEndsAt === null ? now : Date.parse(row.trialEndsAt);
  const times = [
    ...(row.customer === null ? [] : [now + (inDebt ? TRUST_IN_DEBT : TRUST)]),
    ...(step === undefined ? [] : [Date.parse(step)]),
    ...(trialEnd > now ? [trialEnd] : []),
  ];
  return times.length > 0 ? new Date(Math.min(...times)).toISOString() : null;
}

/** What the tenant's row keeps of its plan, so that each request reads it there. */
type Terms = Required<Pick<typeof tenantTableRoot.$inferInsert, "plan" | "requestRate">>;

async function move(tx: Tx, { tenant }: Account, { cause, access }: Standing, { plan, requestRate }: Terms) {
  const { status: from } = tenant;
  const to = transitions[from][cause];
  await tx
    .update(tenantTableRoot)
    .set({ status: to, access, plan, requestRate, version: bump(tenantTableRoot) })
    .where(
      or(
        ne(tenantTableRoot.status, to),
        ne(tenantTableRoot.access, access),
        sql`${tenantTableRoot.plan} is distinct from ${plan}`,
        ne(tenantTableRoot.requestRate, requestRate),
      ),
    );
  if (from !== to || tenant.access !== access) emit(TenantStatusChanged, { from, to, access, cause });
}
