import { and, eq, type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import type { Reader } from "../../drizzle/reader.js";
import type { Tx } from "../../drizzle/tenant.js";
import { actor, context } from "../kernel/actor.js";
import { db, read, verifyCredential } from "../kernel/db.js";
import { type Failure, forbidden } from "../kernel/error.js";
import { defineEvent, emit } from "../kernel/event/index.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { planCodes, usageTable } from "./entitlement.sql.js";
import { limitOf, type Meter, meters, periodOf } from "./meter.js";
import { type Feature, type Plan, planOf } from "./plan.js";

export { defineMeter, Limits, limitsOf, type Meter, monthStart } from "./meter.js";

/** The usage has reached the limit: the next use will be refused. */
export const LimitReached = defineEvent("usage.limit_reached", z.object({ entitlement: z.string(), limit: z.int() }));

/** The code of the plan, for a query of the tenant's own row. */
export const planCode = sql<string>`coalesce(${tenantTableRoot.plan},
  case when ${tenantTableRoot.livemode} then 'trial' else 'sandbox' end)`;

/**
 * The limit of the tenant's plan, evaluated by the statement of the use: null without a limit, 0 for an unknown plan.
 */
function currentLimit(q: Pick<Reader, "select">, meter: Meter): SQL<number | null> {
  const cases = planCodes.map((code) => sql`when ${code}::text then ${limitOf(meter, code)}::bigint`);
  const plan = q.select({ plan: planCode }).from(tenantTableRoot);
  return sql`case ${plan} ${sql.join(cases, sql` `)} else 0 end`;
}

/** The usage after a count, and the limit of the plan; null: no limit. */
export interface UsageCount {
  value: number;
  limit: number | null;
}

/**
 * The statement that counts a use. A caller may include it in a statement of its own and pass its row to `checkUsage`.
 * The row stays locked until the commit and concurrent counts wait for it, so the statement belongs late in the
 * transaction.
 */
export function usageStatement(tx: Pick<Reader, "insert" | "select">, meter: Meter, by = 1) {
  if (meters.find(meter.name) !== meter) throw new Error(`No module lists the meter "${meter.name}".`);
  const sum = sql`${usageTable.value} + excluded.value`;
  return tx
    .insert(usageTable)
    .values({ metric: meter.name, period: periodOf(meter), value: by })
    .onConflictDoUpdate({
      target: [usageTable.tenantId, usageTable.metric, usageTable.period],
      set: { value: sum },
      setWhere: sql`coalesce(${sum} <= ${currentLimit(tx, meter)}, true)`,
    })
    .returning({ value: usageTable.value, limit: currentLimit(tx, meter).mapWith(Number).as("limit") });
}

/**
 * The statement that reads the usage as it would be after one use more, without counting it: for a use that may follow
 * later.
 */
export function nextUsageStatement(q: Pick<Reader, "select">, meter: Meter) {
  const limit = currentLimit(q, meter);
  return q
    .select({
      value: sql<number>`coalesce(max(${usageTable.value}), 0) + 1`.as("value"),
      limit: sql<number | null>`${limit}`.mapWith(Number).as("limit"),
    })
    .from(usageTable)
    .where(and(eq(usageTable.metric, meter.name), eq(usageTable.period, periodOf(meter))));
}

/**
 * Counts a use that cannot be refused any more, such as an order whose money has come, also beyond the limit, in the
 * open transaction of the effect.
 */
export const recordUse = (meter: Meter): Promise<void> =>
  db(async (tx) => {
    const [counted] = await tx
      .insert(usageTable)
      .values({ metric: meter.name, period: periodOf(meter), value: 1 })
      .onConflictDoUpdate({
        target: [usageTable.tenantId, usageTable.metric, usageTable.period],
        set: { value: sql`${usageTable.value} + 1` },
      })
      .returning({ value: usageTable.value, limit: currentLimit(tx, meter).mapWith(Number).as("limit") });
    if (counted?.value === counted?.limit) announceLimit(meter, counted);
  });

function announceLimit(meter: Meter, counted: UsageCount | undefined): void {
  if (counted && counted.limit !== null) emit(LimitReached, { entitlement: meter.name, limit: counted.limit });
}

/** Refuses what the plan has no room for. @throws Failure forbidden */
export async function requireRoom(tx: Tx, meter: Meter, next: UsageCount | undefined | null): Promise<void> {
  if (next && next.limit !== null && next.value > next.limit) throw await refusal(tx, meter);
}

/**
 * Refuses a use beyond the limit, and emits `LimitReached` when a use reaches it: the merchant must know before the
 * next use is refused.
 * @param counted the row of `usageStatement`; there is none when the limit leaves no room
 * @throws Failure forbidden
 */
export async function checkUsage(tx: Tx, meter: Meter, counted: UsageCount | undefined | null): Promise<void> {
  if (!counted || (counted.limit !== null && counted.value > counted.limit)) throw await refusal(tx, meter);
  if (counted.value === counted.limit) announceLimit(meter, counted);
}

/** Whether the plan leaves room for one more use: what the next count will find, as far as a read can know. */
export function hasRoom(q: Pick<Reader, "select">, meterName: string): SQL<boolean> {
  const meter = meters.find(meterName);
  if (!meter) return sql<boolean>`true`;
  const used = q
    .select({ value: usageTable.value })
    .from(usageTable)
    .where(and(eq(usageTable.metric, meter.name), eq(usageTable.period, periodOf(meter))));
  return sql<boolean>`coalesce(coalesce((${used}), 0) < ${currentLimit(q, meter)}, true)`;
}

/**
 * Counts a use against the limit of the plan, in the open transaction of the effect: the limit holds under concurrency,
 * and an effect that is rolled back is not counted.
 * @throws Failure forbidden `entitlement_required` for a use beyond the limit
 */
export const consumeEntitlement = (meter: Meter, by = 1): Promise<void> =>
  db(async (tx) => {
    const [counted] = await usageStatement(tx, meter, by);
    await checkUsage(tx, meter, counted);
  });

/**
 * Gives a use back, in the open transaction of the effect.
 * @param at the instant of the use (ISO 8601), for a limit by month
 */
export const releaseEntitlement = (meter: Meter, by = 1, at?: string): Promise<void> =>
  db(async (tx) => {
    await tx
      .update(usageTable)
      .set({ value: sql`greatest(0, ${usageTable.value} - ${by})` })
      .where(and(eq(usageTable.metric, meter.name), eq(usageTable.period, periodOf(meter, at))));
  });

/** The failure that names the reached limit; a shopper learns nothing of the merchant's plan. */
async function refusal(tx: Tx, meter: Meter): Promise<Failure> {
  const { name } = meter;
  const who = actor().type;
  if (who === "visitor" || who === "customer")
    return forbidden("checkout.closed", "The shop accepts no orders at the moment.");
  const [state] = await tx
    .select({ plan: planCode, current: usageTable.value })
    .from(tenantTableRoot)
    .leftJoin(usageTable, and(eq(usageTable.metric, name), eq(usageTable.period, periodOf(meter))));
  const { code: plan } = planOf(state?.plan ?? "");
  return forbidden("entitlement_required", `The plan "${plan}" allows no more ${name}; see GET /v1/billing/usage.`, {
    data: { entitlement: name, plan, limit: limitOf(meter, plan), current: state?.current ?? 0 },
  });
}

/** The plan of the running context: known from the look-up of its credential, or read from the tenant's row. */
async function currentPlan(): Promise<Plan> {
  if (context().plan === undefined) await verifyCredential();
  const known = context().plan;
  if (known !== undefined) return planOf(known);
  const [row] = await read((q) => q.select({ plan: planCode }).from(tenantTableRoot));
  return planOf(row?.plan ?? "");
}

/**
 * Refuses a feature that the plan does not contain. Sends no query when the credential was looked up before, as by a
 * read().
 * @throws Failure forbidden `entitlement_required`
 */
export async function requireFeature(feature: Feature): Promise<void> {
  const { code: plan, features } = await currentPlan();
  if (features.includes(feature)) return;
  throw forbidden("entitlement_required", `The plan "${plan}" does not include ${feature}. Upgrade to use it.`, {
    data: { entitlement: feature, plan },
  });
}

export {
  type DunningSchedule,
  features,
  Interval,
  initialPlan,
  intervals,
  planOf,
  plans,
  platformFee,
  SoldPlan,
} from "./plan.js";
