export * as Usage from "./usage.js";

import { and, inArray, type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { db, read } from "../kernel/db.js";
import { notFound } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { BURST } from "../rate/index.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { planCodes, RECOUNT_HOURS, usageTable } from "./entitlement.sql.js";
import { planCode } from "./index.js";
import { limitOf, MeterName, meters, monthStart, periodOf } from "./meter.js";
import { features, planOf } from "./plan.js";

const Entitlement = z.object({
  entitlement: MeterName,
  limit: z.int().nullable().meta({ description: "null: unlimited" }),
  current: z.int(),
});
export const UsageRecord = z
  .object({
    plan: z.enum(planCodes),
    period: z.object({ start: z.string(), end: z.string() }).meta({
      description: "The month (UTC) that `ordersPerMonth` counts",
    }),
    entitlements: z.array(Entitlement),
    features: z.array(z.enum(features)),
    requests: z
      .object({ perSecond: z.int(), burst: z.int() })
      .meta({ description: "The rate limit of all credentials of the tenant together" }),
  })
  .meta({ id: "Usage", description: "The limits and features of the plan, and their current usage." });

/** The condition for the current period of each meter. */
const now = () =>
  sql`(${usageTable.metric}, ${usageTable.period}) in (${sql.join(
    meters.all().map((meter) => sql`(${meter.name}, ${periodOf(meter)})`),
    sql`, `,
  )})`;

const rfc3339 = (at: SQL) => sql<string>`to_char(${at} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;

/** The limits and features of the plan of the caller's tenant, and their current usage. */
export const get = fn(z.void(), async () => {
  const [[tenant], used] = await read(
    (q) =>
      [
        q
          .select({
            plan: planCode,
            perSecond: tenantTableRoot.requestRate,
            start: rfc3339(monthStart()),
            end: rfc3339(monthStart(1)),
          })
          .from(tenantTableRoot),
        q.select({ metric: usageTable.metric, value: usageTable.value }).from(usageTable).where(now()),
      ] as const,
  );
  if (!tenant) throw notFound("tenant");
  const { code, features: included } = planOf(tenant.plan);
  const current = new Map(used.map(({ metric, value }) => [metric, value]));
  return {
    plan: code,
    period: { start: tenant.start, end: tenant.end },
    entitlements: meters.all().map((meter) => ({
      entitlement: meter.name,
      limit: limitOf(meter, code),
      current: current.get(meter.name) ?? 0,
    })),
    features: [...included],
    requests: { perSecond: tenant.perSecond, burst: BURST * tenant.perSecond },
  };
});

/**
 * Counts the rows anew, and corrects `usage` where it differs. The rows of `usage` are locked first, so that earlier
 * uses have committed, and later ones wait and add to the corrected number.
 * @returns the number of corrections
 */
export const recount = (): Promise<number> =>
  db(async (tx) => {
    const due = await lockDueUsage(tx);
    if (due.length === 0) return 0;
    const cases = meters.all().map((meter) => sql`when ${meter.name} then ${meter.count(tx)}`);
    const counted = await tx
      .update(usageTable)
      .set({ value: sql`case ${usageTable.metric} ${sql.join(cases, sql` `)} end` })
      .where(and(now(), inArray(usageTable.metric, due)))
      .returning({ drift: sql<number>`new.value - old.value`.mapWith(Number) });
    return counted.filter(({ drift }) => drift !== 0).length;
  });

/** Locks the rows of `usage` whose last comparison is too old, and inserts the missing ones with 0. */
async function lockDueUsage(tx: Tx): Promise<string[]> {
  const old = sql`coalesce(${usageTable.countedAt} < now() - make_interval(hours => ${RECOUNT_HOURS}), true)`;
  const rows = await tx
    .insert(usageTable)
    .values(meters.all().map((meter) => ({ metric: meter.name, period: periodOf(meter), countedAt: sql`now()` })))
    .onConflictDoUpdate({
      target: [usageTable.tenantId, usageTable.metric, usageTable.period],
      set: { countedAt: sql`now()` },
      setWhere: old,
    })
    .returning({ metric: usageTable.metric });
  return rows.map(({ metric }) => metric);
}
