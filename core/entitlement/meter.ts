import { type SQL, type SQLWrapper, sql } from "drizzle-orm";
import * as z from "zod";
import type { Reader } from "../../drizzle/reader.js";
import { Registry } from "../kernel/registry.js";
import type { PlanCode } from "./entitlement.sql.js";
import type { Plan, SoldPlan } from "./plan.js";

/** What is counted for a limit of the plans. A module declares its own, with what each plan allows of it. */
export interface Meter {
  /** As the API names it. Permanent: the rows of `usage` carry it. */
  readonly name: string;
  /** Of the plans that are for sale; null: no limit. The trial allows what `growth` does, test mode has no limit. */
  readonly limits: Readonly<Record<SoldPlan, number | null>>;
  /** `month`: by the calendar month (UTC) in which each use was made. */
  readonly per?: "month";
  /** The statement that counts the uses anew, those of the present month where it is by month. */
  count(q: Pick<Reader, "select">): SQLWrapper;
}

export const defineMeter = (meter: Meter): Meter => meter;

/** Those of all modules. */
export const meters = new Registry<Meter>("meter", ({ name }) => name);

const meterNames = () => meters.all().map(({ name }) => name) as [string, ...string[]];
export const MeterName = z.lazy(() => z.enum(meterNames()));

/** What the plan allows; null: no limit. */
export function limitOf({ limits }: Meter, plan: PlanCode): number | null {
  if (plan === "sandbox") return null;
  return limits[plan === "trial" ? "growth" : plan];
}

/** All that a plan limits by number. Null: no limit. */
export const limitsOf = ({ code, requestsPerSecond }: Plan): Record<string, number | null> => ({
  ...Object.fromEntries(meters.all().map((meter) => [meter.name, limitOf(meter, code)])),
  requestsPerSecond,
});

/** The shape of `limitsOf`. */
export const Limits = z.lazy(() => {
  const counted = Object.fromEntries(meterNames().map((name) => [name, z.int().nullable()]));
  return z.object({ ...counted, requestsPerSecond: z.int() }) as z.ZodType<Record<string, number | null>>;
});

/**
 * The period that a use counts for, as `usage` keeps it.
 * @param at when the use was made (ISO 8601); now when left out
 */
export const periodOf = ({ per }: Meter, at?: string): SQL<string> =>
  per === "month" ? sql`to_char(${at ?? sql`now()`}::timestamptz at time zone 'utc', 'YYYY-MM')` : sql`''`;

/** The first moment of the month (UTC), so many months from now. */
export const monthStart = (ahead = 0): SQL<string> =>
  sql<string>`(date_trunc('month', now() at time zone 'utc') + make_interval(months => ${ahead})) at time zone 'utc'`;
