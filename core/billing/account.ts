import { eq, sql } from "drizzle-orm";
import { initialPlan, plans } from "../entitlement/index.js";
import { read } from "../kernel/db.js";
import { conflict, notFound } from "../kernel/error.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { subscriptionTable } from "./billing.sql.js";
import type { TenantAccess, TenantStatus } from "./status.js";

export const columns = {
  customer: subscriptionTable.customer,
  livemode: subscriptionTable.livemode,
  subscription: subscriptionTable.subscription,
  plan: subscriptionTable.plan,
  interval: subscriptionTable.interval,
  status: subscriptionTable.status,
  trialEndsAt: subscriptionTable.trialEndsAt,
  currentPeriodEnd: subscriptionTable.currentPeriodEnd,
  cancelAt: subscriptionTable.cancelAt,
  pastDueSince: subscriptionTable.pastDueSince,
  dunningStep: subscriptionTable.dunningStep,
  nextStepAt: subscriptionTable.nextStepAt,
  version: subscriptionTable.version,
};
export type SubscriptionRow = Pick<typeof subscriptionTable.$inferSelect, keyof typeof columns>;

/** The columns of the tenant's row that billing reads. */
export const tenantColumns = {
  name: tenantTableRoot.name,
  status: tenantTableRoot.status,
  access: tenantTableRoot.access,
  livemode: tenantTableRoot.livemode,
  requestRate: tenantTableRoot.requestRate,
  createdAt: tenantTableRoot.createdAt,
};
interface BilledTenant {
  name: string;
  status: TenantStatus;
  access: TenantAccess;
  livemode: boolean;
  requestRate: number;
  createdAt: string;
}

export interface BillingAccount {
  row: SubscriptionRow;
  tenant: BilledTenant;
  /** By the clock of the database. Milliseconds. */
  now: number;
}
export const clock = sql<string>`extract(epoch from now()) * 1000`;
export const millisecondsOf = (text: string): number => Math.floor(Number(text));

/** Days of the trial that begins with a tenant. */
const TRIAL_DAYS = plans.trial.trialDays;
const DAY = 86_400_000;

/** The default row for a tenant that has none, because the code that opened it had no billing yet. */
function defaultRow({ livemode, createdAt }: BilledTenant): SubscriptionRow {
  const trialEndsAt = livemode ? new Date(Date.parse(createdAt) + TRIAL_DAYS * DAY).toISOString() : null;
  return {
    customer: null,
    livemode: null,
    subscription: null,
    plan: initialPlan(livemode),
    interval: null,
    status: null,
    trialEndsAt,
    currentPeriodEnd: null,
    cancelAt: null,
    pastDueSince: null,
    dunningStep: 0,
    nextStepAt: trialEndsAt,
    version: 0,
  };
}

/**
 * Loads the subscription row and the tenant row of the actor's tenant.
 * @param since an instant by the database's clock: `isFresh` says whether Stripe was asked then or later
 * @throws Failure not_found
 */
export async function loadAccount(
  since: string | null = null,
): Promise<BillingAccount & { at: string; isFresh: boolean }> {
  const isFresh = sql<boolean>`coalesce(${subscriptionTable.askedAt} >= ${since}::timestamptz, false)`;
  const [[tenant], [row]] = await read(
    (q) =>
      [
        q.select({ ...tenantColumns, now: clock, at: sql<string>`now()::text` }).from(tenantTableRoot),
        q
          .select({ ...columns, isFresh })
          .from(subscriptionTable)
          .limit(1),
      ] as const,
  );
  if (!tenant) throw notFound("tenant");
  const { isFresh: fresh, ...known } = row ?? { ...defaultRow(tenant), isFresh: false };
  return { tenant, row: known, now: millisecondsOf(tenant.now), at: tenant.at, isFresh: fresh };
}

/** @throws Failure conflict for a tenant of test mode, which is never billed */
export async function loadLiveAccount(): Promise<BillingAccount> {
  const account = await loadAccount();
  if (account.tenant.livemode) return account;
  throw conflict("billing.test_mode", "Tenants in test mode are not billed. Use a credential of the live tenant.");
}

/** The condition that the row still has the version that was read: a write in between must not be overwritten. */
export const unchanged = ({ version }: Pick<SubscriptionRow, "version">) => eq(subscriptionTable.version, version);
