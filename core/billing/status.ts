import type { DunningSchedule } from "../entitlement/index.js";
import type { tenantAccesses, tenantStatuses } from "../tenant/tenant.sql.js";

export type TenantStatus = (typeof tenantStatuses)[number];
export type TenantAccess = (typeof tenantAccesses)[number];

/**
 * The reason for a tenant's status. `trial`: no payment is due yet. `paid`: every payment is made. `owed`: a payment is
 * due, and the days of grace and of read-only access are not over. `overdue`: they are over. `ended`: the tenant has
 * canceled, or the days of suspension are over, too.
 */
export const causes = ["trial", "paid", "owed", "overdue", "ended"] as const;
export type Cause = (typeof causes)[number];

/**
 * The only table of a tenant's status: from, cause, to. The new status depends on the cause alone: webhooks may be
 * lost, so the last of several changes must lead to the same status as all of them.
 */
export const statusByCause: Readonly<Record<TenantStatus, Readonly<Record<Cause, TenantStatus>>>> = {
  trial: { trial: "trial", paid: "active", owed: "past_due", overdue: "suspended", ended: "closing" },
  active: { trial: "trial", paid: "active", owed: "past_due", overdue: "suspended", ended: "closing" },
  past_due: { trial: "trial", paid: "active", owed: "past_due", overdue: "suspended", ended: "closing" },
  suspended: { trial: "trial", paid: "active", owed: "past_due", overdue: "suspended", ended: "closing" },
  closing: { trial: "trial", paid: "active", owed: "past_due", overdue: "suspended", ended: "closing" },
};

/** The state of a subscription, as its row keeps it. Instants are ISO 8601. */
export interface SubscriptionState {
  /** Stripe's status; null before there is a subscription. */
  status: string | null;
  /** The end of the platform's own trial, which needs no subscription at Stripe. */
  trialEndsAt: string | null;
  /** The instant since which a payment is owed, by Stripe's invoices. */
  pastDueSince: string | null;
}

export const stepKinds = ["reminder", "read_only", "suspended", "closing"] as const;
/** A step of the dunning schedule, and the day on which it is due, counted from the day since which the tenant owes. */
export interface Step {
  kind: (typeof stepKinds)[number];
  day: number;
}

/** All steps of dunning for a tenant that never pays, in the order of their days. */
export function stepsOf({ reminderDays, graceDays, readOnlyDays, suspendDays }: DunningSchedule): Step[] {
  const readOnly = graceDays;
  const suspended = readOnly + readOnlyDays;
  const steps: Step[] = [
    ...reminderDays.map((day) => ({ kind: "reminder", day }) as const),
    { kind: "read_only", day: readOnly },
    { kind: "suspended", day: suspended },
    { kind: "closing", day: suspended + suspendDays },
  ];
  return steps.toSorted((a, b) => a.day - b.day);
}

const DAY = 86_400_000;

/** The instant at which a step is due, as ISO 8601. */
export const dueAt = (since: string, { day }: Step): string => new Date(Date.parse(since) + day * DAY).toISOString();

/**
 * The state of a tenant's billing. `since`: the instant since which the tenant owes; in a trial its end, which is to
 * come.
 */
export interface BillingState {
  cause: Cause;
  access: TenantAccess;
  since: string | null;
}

const PAID: BillingState = { cause: "paid", access: "full", since: null };
const ENDED: BillingState = { cause: "ended", access: "blocked", since: null };

/**
 * The state of a tenant's billing at an instant (milliseconds). It follows from Stripe's last answer and from time
 * alone, so that the same facts always give the same state.
 */
export function billingStateOf(snapshot: SubscriptionState, schedule: DunningSchedule, now: number): BillingState {
  const { status, trialEndsAt, pastDueSince } = snapshot;
  if (status === "trialing") return { ...PAID, cause: "trial" };
  if (status === "active") return PAID;
  const onTrial = trialEndsAt === null || Date.parse(trialEndsAt) > now;
  if (status === "canceled" && pastDueSince === null) return onTrial ? { ...PAID, cause: "trial" } : ENDED;
  if (pastDueSince === null && onTrial) return { cause: "trial", access: "full", since: trialEndsAt };
  return owingStateOf(pastDueSince ?? trialEndsAt ?? "", schedule, now);
}

/**
 * The state of a tenant that owes. `since` may be some seconds in the future, because Stripe's clock may be ahead of
 * ours; the debt counts all the same.
 */
function owingStateOf(since: string, schedule: DunningSchedule, now: number): BillingState {
  const { graceDays, readOnlyDays, suspendDays } = schedule;
  const days = (now - Date.parse(since)) / DAY;
  const ends = graceDays + readOnlyDays;
  if (days < ends) return { cause: "owed", access: days < graceDays ? "full" : "read_only", since };
  return { cause: days < ends + suspendDays ? "overdue" : "ended", access: "blocked", since };
}

/** The step that follows those that are done; undefined when all are done, or nothing is owed. */
export function nextStep(
  { since }: BillingState,
  schedule: DunningSchedule,
  done: number,
): (Step & { at: string }) | undefined {
  const step = since === null ? undefined : stepsOf(schedule)[done];
  return step && since !== null ? { ...step, at: dueAt(since, step) } : undefined;
}
