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

/** Milliseconds after which Stripe is asked again, because a webhook may have been lost. */
const TRUST = 24 * 3_600_000;
/** The same while the tenant owes a payment: if the webhook of its payment is lost, its shop would close. */
const TRUST_IN_DEBT = 3_600_000;

/**
 * Locks the rows of the subscription and of the tenant. Stripe is asked before the transaction begins, so that the
 * locks last only a moment.
 */
export async function hold(tx: Tx, which: SQL, lock: { skipLocked?: boolean } = {}) {
  const [held] = await tx
    .select({ row: columns, tenant: tenantColumns, now: clock })
    .from(subscriptionTable)
    .innerJoin(tenantTableRoot, sql`true`)
    .where(which)
    .for("no key update", lock as { skipLocked: true });
  return held && ({ ...held, now: millisecondsOf(held.now) } satisfies Account);
}

/**
 * The instant since which the tenant owes: the steps of dunning count from it. Another debt has another instant, and
 * its steps begin anew.
 */
const anchorOf = ({ row, now }: Account, facts: Facts) =>
  standing({ ...row, ...facts }, planOf(facts.plan).dunning, now).since;

const differs = ({ row }: Account, facts: Facts) =>
  (Object.keys(facts) as (keyof Facts)[]).some((field) => row[field] !== facts[field]);

/**
 * The progress of dunning: the number of steps that are done. `askedAt`: the instant at which Stripe was asked, if it
 * was.
 */
interface Done {
  steps: number;
  askedAt?: string;
}

/**
 * Writes the state of the subscription and its consequences: the tenant's status and access, and the instant of the
 * next check. No other function writes a tenant's status. The version counts up even when nothing has changed, so that
 * a slower transaction with an older answer of Stripe finds another version and writes nothing.
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

/**
 * The next instant at which time alone may change the state: a step of dunning is due, the trial ends, or Stripe's
 * answer is too old. Null when there is none.
 */
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

/** The parts of the plan that the tenant's row repeats, because each request reads that row. */
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
