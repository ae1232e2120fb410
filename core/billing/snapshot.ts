import { ne, or, type SQL, sql } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { planOf } from "../entitlement/index.js";
import { emit } from "../kernel/event/index.js";
import { bump } from "../kernel/version.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { type BillingAccount, clock, columns, millisecondsOf, tenantColumns, unchanged } from "./account.js";
import { subscriptionTable } from "./billing.sql.js";
import { SubscriptionUpdated, TenantStatusChanged } from "./event.js";
import { type BillingState, billingStateOf, nextStep, statusByCause } from "./status.js";
import type { SubscriptionSnapshot } from "./stripe-subscription.js";

/** Milliseconds after which Stripe is asked again, because a webhook may have been lost. */
const SYNC_INTERVAL = 24 * 3_600_000;
/** The same while the tenant owes a payment: if the webhook of its payment is lost, its shop would close. */
const SYNC_INTERVAL_WHEN_OWED = 3_600_000;

/**
 * Locks the rows of the subscription and of the tenant. Stripe is asked before the transaction begins, so that the
 * locks last only a moment.
 */
export async function lockAccount(tx: Tx, which: SQL, lock: { skipLocked?: boolean } = {}) {
  const [held] = await tx
    .select({ row: columns, tenant: tenantColumns, now: clock })
    .from(subscriptionTable)
    .innerJoin(tenantTableRoot, sql`true`)
    .where(which)
    .for("no key update", lock as { skipLocked: true });
  return held && ({ ...held, now: millisecondsOf(held.now) } satisfies BillingAccount);
}

/**
 * The instant since which the tenant owes: the steps of dunning count from it. Another debt has another instant, and
 * its steps begin anew.
 */
const owedSinceOf = ({ row, now }: BillingAccount, facts: SubscriptionSnapshot) =>
  billingStateOf({ ...row, ...facts }, planOf(facts.plan).dunning, now).since;

const differs = ({ row }: BillingAccount, facts: SubscriptionSnapshot) =>
  (Object.keys(facts) as (keyof SubscriptionSnapshot)[]).some((field) => row[field] !== facts[field]);

/**
 * The progress of dunning: the number of steps that are done. `askedAt`: the instant at which Stripe was asked, if it
 * was.
 */
interface Progress {
  steps: number;
  askedAt?: string;
}

/**
 * Writes the state of the subscription and its consequences: the tenant's status and access, and the instant of the
 * next check. No other function writes a tenant's status. The version counts up even when nothing has changed, so that
 * a slower transaction with an older answer of Stripe finds another version and writes nothing.
 */
export async function applySnapshot(
  tx: Tx,
  held: BillingAccount,
  facts: SubscriptionSnapshot,
  { steps, ...asked }: Progress,
): Promise<void> {
  const { row, now } = held;
  const { dunning, requestsPerSecond } = planOf(facts.plan);
  const stand = billingStateOf({ ...row, ...facts }, dunning, now);
  const dunningStep = owedSinceOf(held, row) === stand.since ? steps : 0;
  const nextStepAt = nextCheckAt(held, stand, nextStep(stand, dunning, dunningStep)?.at);
  await tx
    .update(subscriptionTable)
    .set({ ...facts, ...asked, dunningStep, nextStepAt, version: bump(subscriptionTable) })
    .where(unchanged(row));
  if (differs(held, facts)) {
    const { plan, interval, status, currentPeriodEnd, cancelAt } = facts;
    emit(SubscriptionUpdated, { plan, interval, status, currentPeriodEnd, cancelAt });
  }
  await updateTenantStatus(tx, held, stand, { plan: facts.plan, requestRate: requestsPerSecond });
}

/**
 * The next instant at which time alone may change the state: a step of dunning is due, the trial ends, or Stripe's
 * answer is too old. Null when there is none.
 */
function nextCheckAt({ row, now }: BillingAccount, { cause }: BillingState, step: string | undefined): string | null {
  const inDebt = cause === "owed" || cause === "overdue";
  const trialEnd = row.trialEndsAt === null ? now : Date.parse(row.trialEndsAt);
  const times = [
    ...(row.customer === null ? [] : [now + (inDebt ? SYNC_INTERVAL_WHEN_OWED : SYNC_INTERVAL)]),
    ...(step === undefined ? [] : [Date.parse(step)]),
    ...(trialEnd > now ? [trialEnd] : []),
  ];
  return times.length > 0 ? new Date(Math.min(...times)).toISOString() : null;
}

/** The parts of the plan that the tenant's row repeats, because each request reads that row. */
type Terms = Required<Pick<typeof tenantTableRoot.$inferInsert, "plan" | "requestRate">>;

async function updateTenantStatus(
  tx: Tx,
  { tenant }: BillingAccount,
  { cause, access }: BillingState,
  { plan, requestRate }: Terms,
) {
  const { status: from } = tenant;
  const to = statusByCause[from][cause];
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
