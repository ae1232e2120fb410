import type { Timetable } from "../entitlement/index.js";
import type { tenantAccesses, tenantStatuses } from "../tenant/tenant.sql.js";

export type TenantStatus = (typeof tenantStatuses)[number];
export type TenantAccess = (typeof tenantAccesses)[number];

/**
 * Why a tenant stands where it stands. `trial`: it need not pay yet. `paid`: it has. `owed`: a payment is due, and the
 * timetable has time left. `overdue`: it has none. `ended`: the tenant left, or never paid.
 */
export const causes = ["trial", "paid", "owed", "overdue", "ended"] as const;
export type Cause = (typeof causes)[number];

/**
 * THE table of a tenant's status: from, cause, to. Each status has a way out for each cause, and where it leads does not
 * depend on where it began: of three things that happened we may hear the last one only, and must end where somebody
 * ends who heard all of them.
 */
export const transitions: Readonly<Record<TenantStatus, Readonly<Record<Cause, TenantStatus>>>> = {
  trial: { trial: "trial", paid: "active", owed: "past_due", overdue: "suspended", ended: "closing" },
  active: { trial: "trial", paid: "active", owed: "past_due", overdue: "suspended", ended: "closing" },
  past_due: { trial: "trial", paid: "active", owed: "past_due", overdue: "suspended", ended: "closing" },
  suspended: { trial: "trial", paid: "active", owed: "past_due", overdue: "suspended", ended: "closing" },
  closing: { trial: "trial", paid: "active", owed: "past_due", overdue: "suspended", ended: "closing" },
};

/** What is known of a subscription, as its row keeps it. Instants are ISO 8601. */
export interface Snapshot {
  /** Stripe's; null before there is a subscription. */
  status: string | null;
  /** The end of the trial that we give ourselves. */
  trialEndsAt: string | null;
  /** Since when a payment is owed, by Stripe's invoices. */
  pastDueSince: string | null;
}

export const stepKinds = ["reminder", "read_only", "suspended", "closing"] as const;
/** A row of the timetable, by the day on which it is due. */
export interface Step {
  kind: (typeof stepKinds)[number];
  day: number;
}

/** All that will happen to somebody who never pays, in order. */
export function stepsOf({ reminderDays, graceDays, readOnlyDays, suspendDays }: Timetable): Step[] {
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

/** When a step is due, as ISO 8601. */
export const dueAt = (since: string, { day }: Step): string => new Date(Date.parse(since) + day * DAY).toISOString();

/** Where a tenant stands, and since when it owes, which may be a day to come: the end of a trial. */
export interface Standing {
  cause: Cause;
  access: TenantAccess;
  since: string | null;
}

const paid: Standing = { cause: "paid", access: "full", since: null };
const left: Standing = { cause: "ended", access: "blocked", since: null };

/**
 * Where a tenant stands at an instant (milliseconds): by what Stripe said last, and by time. Nothing else counts, so
 * that whoever knows the same says the same.
 */
export function standing(snapshot: Snapshot, timetable: Timetable, now: number): Standing {
  const { status, trialEndsAt, pastDueSince } = snapshot;
  if (status === "trialing") return { ...paid, cause: "trial" };
  if (status === "active") return paid;
  const onTrial = trialEndsAt === null || Date.parse(trialEndsAt) > now;
  if (status === "canceled" && pastDueSince === null) return onTrial ? { ...paid, cause: "trial" } : left;
  if (pastDueSince === null && onTrial) return { cause: "trial", access: "full", since: trialEndsAt };
  return owing(pastDueSince ?? trialEndsAt ?? "", timetable, now);
}

/** Stripe's clock may be ahead of ours: a debt of the next second is one. */
function owing(since: string, timetable: Timetable, now: number): Standing {
  const { graceDays, readOnlyDays, suspendDays } = timetable;
  const days = (now - Date.parse(since)) / DAY;
  const ends = graceDays + readOnlyDays;
  if (days < ends) return { cause: "owed", access: days < graceDays ? "full" : "read_only", since };
  return { cause: days < ends + suspendDays ? "overdue" : "ended", access: "blocked", since };
}

/** The step that comes after those that are done; undefined when all are, or nothing is owed. */
export function nextStep({ since }: Standing, timetable: Timetable, done: number): (Step & { at: string }) | undefined {
  const step = since === null ? undefined : stepsOf(timetable)[done];
  return step && since !== null ? { ...step, at: dueAt(since, step) } : undefined;
}
