export * as Usage from "./usage.js";

import { and, eq, gte, inArray, ne, type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import type { Reader } from "../../drizzle/reader.js";
import type { Tx } from "../../drizzle/tenant.js";
import { productTable } from "../catalog/catalog.sql.js";
import { memberTable } from "../identity/identity.sql.js";
import { db, read } from "../kernel/db.js";
import { notFound } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { orderTable } from "../order/order.sql.js";
import { BURST } from "../rate/index.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { planCodes, usageTable } from "./entitlement.sql.js";
import { type Metric, metrics, periodOf, planCode } from "./index.js";
import { features, planOf } from "./plan.js";

const Entitlement = z.object({
  entitlement: z.enum(metrics),
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

/** Of all metrics, for the period that runs. */
const now = () =>
  sql`(${usageTable.metric}, ${usageTable.period}) in (${sql.join(
    metrics.map((metric) => sql`(${metric}, ${periodOf(metric)})`),
    sql`, `,
  )})`;

/** The first moment of the month, UTC, so many months from now. */
const monthStart = (ahead = 0) =>
  sql<string>`(date_trunc('month', now() at time zone 'utc') + make_interval(months => ${ahead})) at time zone 'utc'`;
const rfc3339 = (at: SQL) => sql<string>`to_char(${at} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`;

/** What the caller's own plan allows, and what is used of it. */
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
  const { code, limits, features: included } = planOf(tenant.plan);
  const current = new Map(used.map(({ metric, value }) => [metric, value]));
  return {
    plan: code,
    period: { start: tenant.start, end: tenant.end },
    entitlements: metrics.map((metric) => ({
      entitlement: metric,
      limit: limits[metric],
      current: current.get(metric) ?? 0,
    })),
    features: [...included],
    requests: { perSecond: tenant.perSecond, burst: BURST * tenant.perSecond },
  };
});

/** Ids are UUIDv7, so that age is an order of the primary key; clocks of those who make them may be a day slow. */
const sinceMonth = sql`(select uuidv7(${monthStart()} - now() - interval '1 day'))`;

/** How much there is of each: what `usage` must say. */
function counts(q: Pick<Reader, "select">): Record<Metric, SQL> {
  const many = { count: sql`count(*)` };
  const products = q.select(many).from(productTable).where(ne(productTable.status, "archived"));
  const members = q.select(many).from(memberTable).where(eq(memberTable.status, "active"));
  const orders = q
    .select(many)
    .from(orderTable)
    .where(
      and(gte(orderTable.id, sinceMonth), gte(orderTable.createdAt, monthStart()), ne(orderTable.status, "cancelled")),
    );
  return { products: sql`${products}`, ordersPerMonth: sql`${orders}`, members: sql`${members}` };
}

/** Hours after which it is looked once more whether the numbers are right. */
const TRUSTED = 24;

/**
 * Counts what is there, and puts right what `usage` says otherwise. The numbers are locked first, so that whoever
 * counted before has committed, and whoever counts later adds to what is right.
 * @returns how many numbers were wrong
 */
export const recount = (): Promise<number> =>
  db(async (tx) => {
    const due = await lockDue(tx);
    if (due.length === 0) return 0;
    const cases = Object.entries(counts(tx)).map(([metric, count]) => sql`when ${metric} then ${count}`);
    const counted = await tx
      .update(usageTable)
      .set({ value: sql`case ${usageTable.metric} ${sql.join(cases, sql` `)} end` })
      .where(and(now(), inArray(usageTable.metric, due)))
      .returning({ drift: sql<number>`new.value - old.value`.mapWith(Number) });
    return counted.filter(({ drift }) => drift !== 0).length;
  });

/** Locks the numbers that were not compared for long; those that nobody has counted yet begin with nothing. */
async function lockDue(tx: Tx): Promise<string[]> {
  const old = sql`coalesce(${usageTable.countedAt} < now() - make_interval(hours => ${TRUSTED}), true)`;
  const rows = await tx
    .insert(usageTable)
    .values(metrics.map((metric) => ({ metric, period: periodOf(metric), countedAt: sql`now()` })))
    .onConflictDoUpdate({
      target: [usageTable.tenantId, usageTable.metric, usageTable.period],
      set: { countedAt: sql`now()` },
      setWhere: old,
    })
    .returning({ metric: usageTable.metric });
  return rows.map(({ metric }) => metric);
}
