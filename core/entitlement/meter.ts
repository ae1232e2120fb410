import { type SQL, type SQLWrapper, sql } from "drizzle-orm";
import * as z from "zod";
import type { Reader } from "../../drizzle/reader.js";
import { Registry } from "../kernel/registry.js";
import type { PlanCode } from "./entitlement.sql.js";
import type { Plan, SoldPlan } from "./plan.js";

/** A count that the plans limit. Each module declares its own meters, with the limit of each plan. */
export interface Meter {
  /** As the API names it. Permanent: the rows of `usage` carry it. */
  readonly name: string;
  /**
   * The limits of the plans that are for sale; null: no limit. The trial has those of `growth`, test mode has no limit.
   */
  readonly limits: Readonly<Record<SoldPlan, number | null>>;
  /** `month`: by the calendar month (UTC) in which each use was made. */
  readonly per?: "month";
  /** The statement that counts the uses anew; for a limit by month, those of the current month. */
  count(q: Pick<Reader, "select">): SQLWrapper;
}

export const defineMeter = (meter: Meter): Meter => meter;

/** The meters of all modules. */
export const meters = new Registry<Meter>("meter", ({ name }) => name);

const meterNames = () => meters.all().map(({ name }) => name) as [string, ...string[]];
export const MeterName = z.lazy(() => z.enum(meterNames()));

/** The limit of a meter in a plan; null: no limit. */
export function limitOf({ limits }: Meter, plan: PlanCode): number | null {
  if (plan === "sandbox") return null;
  return limits[plan === "trial" ? "growth" : plan];
}

/** All limits of a plan; null: no limit. */
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
 * @param at the instant of the use (ISO 8601); now when left out
 */
export const periodOf = ({ per }: Meter, at?: string): SQL<string> =>
  per === "month" ? sql`to_char(${at ?? sql`now()`}::timestamptz at time zone 'utc', 'YYYY-MM')` : sql`''`;

/** The first moment of the month (UTC), so many months from now. */
export const monthStart = (ahead = 0): SQL<string> =>
  sql<string>`(date_trunc('month', now() at time zone 'utc') + make_interval(months => ${ahead})) at time zone 'utc'`;
