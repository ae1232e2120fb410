import type { PlanCode } from "../../core/entitlement/entitlement.sql.js";
import { plans } from "../../core/entitlement/plan.js";
import { tenantUuid } from "../race/race.js";
import type { Answer, Tenant } from "../support/client.js";

/** A superuser's connection, which sees behind both walls. */
export interface Asked {
  query(text: string, values?: unknown[]): Promise<unknown>;
}

const rowsOf = (result: unknown) =>
  (Array.isArray(result) ? result : (result as { rows: unknown[] }).rows) as Record<string, unknown>[];

/** Puts a tenant on a plan, as if it had paid for it. */
export async function putOn(admin: Asked, tenant: Tenant, plan: PlanCode): Promise<void> {
  const id = tenantUuid(tenant);
  await admin.query("update subscription set plan = $2 where tenant_id = $1", [id, plan]);
  await admin.query("update tenant set plan = $2, request_rate = $3 where tenant_id = $1", [
    id,
    plan,
    plans[plan].requestsPerSecond,
  ]);
}

const COUNTED = `
  select 'products' as metric, '' as period, count(*)::int as count from product
   where tenant_id = $1 and status <> 'archived'
  union all
  select 'members', '', count(*)::int from member where tenant_id = $1 and status = 'active'
  union all
  select 'ordersPerMonth', to_char(placed_at at time zone 'utc', 'YYYY-MM'), count(*)::int from "order"
   where tenant_id = $1 and status not in ('cancelled', 'pending') group by 2`;

/** Where `usage` says something else than what is there; empty when both agree. */
export async function drift(admin: Asked, tenant: Tenant): Promise<string[]> {
  const found = await admin.query(
    `select coalesce(c.metric, u.metric) as metric, coalesce(c.period, u.period) as period, u.value::int, c.count
       from (${COUNTED}) c full join (select * from usage where tenant_id = $1) u
         on (u.metric, u.period) = (c.metric, c.period)
      where coalesce(c.count, 0) <> coalesce(u.value, 0)`,
    [tenantUuid(tenant)],
  );
  return rowsOf(found).map(
    ({ metric, period, value, count }) => `${metric} ${period}: says ${value ?? 0}, there are ${count ?? 0}`,
  );
}

/** What `usage` says of the period that runs. */
export async function used(tenant: Tenant): Promise<Record<string, number>> {
  const { entitlements } = await tenant.owner.get("/v1/billing/usage");
  return Object.fromEntries(
    entitlements.map((one: { entitlement: string; current: number }) => [one.entitlement, one.current]),
  );
}

/** Asks again, as a client does, while the machine is too busy to answer; `ask` repeats one request, key and all. */
export async function persist(ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    const answer = await ask();
    const { status, body } = answer;
    const busy = status === 503 || (status === 500 && body?.code !== "internal_error"); // of us, or of the gateway
    if (!busy && body?.code !== "idempotency_key_in_flight") return answer;
    await new Promise((resume) => setTimeout(resume, 1_000 * Math.random()));
  }
}

/** Writes a number into the tenant's usage, to be near a limit without as many rows. */
export const pretend = (admin: Asked, tenant: Tenant, metric: string, value: number) =>
  admin.query(
    `insert into usage (tenant_id, metric, period, value) values ($1, $2, $4, $3)
     on conflict (tenant_id, metric, period) do update set value = excluded.value`,
    [
      tenantUuid(tenant),
      metric,
      value,
      metric === "ordersPerMonth" ? new Date().toISOString().slice(0, "2026-11".length) : "",
    ],
  );
