import type pg from "pg";
import { typeIdToUuid, uuidToTypeId } from "../../drizzle/typeid.js";
import { type Answer, eventually, type Tenant } from "../support/client.js";
import { tenantTables } from "../support/database.js";

/** Buckets of requests belong to whoever asks; the use of a key is noted to the minute. */
const busy = ["rate_bucket"];

/** What a tenant has, table by table, as a superuser sees it: nobody changes it unseen. */
export async function checksums(admin: pg.Pool, tenant: Tenant): Promise<Record<string, string>> {
  const tables = (await tenantTables(admin)).filter((table) => !busy.includes(table));
  const sums = tables.map(async (table) => {
    const { rows } = await admin.query(
      `select count(*) || ' ' || coalesce(md5(string_agg(row::text, '|' order by row::text)), '') as sum
         from (select to_jsonb(t) - 'last_used_at' as row from "${table}" t where tenant_id = $1) rows`,
      [typeIdToUuid("ten", tenant.id)],
    );
    return [table, rows[0].sum] as const;
  });
  return Object.fromEntries(await Promise.all(sums));
}

/** Waits until the tenant's events and jobs have had their effects, which go on after the answer. */
export async function quiet(admin: pg.Pool, tenant: Tenant): Promise<void> {
  await eventually(async () => {
    const { rows } = await admin.query(
      `select (select count(*) from event where tenant_id = $1 and published_at is null)
            + (select count(*) from job where tenant_id = $1 and status in ('queued', 'running')) as left`,
      [typeIdToUuid("ten", tenant.id)],
    );
    return rows[0].left === "0";
  }, 30_000);
  for (let before = ""; ; ) {
    const now = JSON.stringify(await checksums(admin, tenant));
    if (now === before) return;
    before = now;
    await new Promise((resume) => setTimeout(resume, 500));
  }
}

/** Finds what belongs to the tenant in the answers that others get: its ids and its names. */
export async function detector(admin: pg.Pool, tenant: Tenant): Promise<(answer: Answer) => string[]> {
  const { data: invoices } = await tenant.owner.get("/v1/billing/invoices"); // kept at Stripe
  const secrets = [tenant.id, tenant.slug, tenant.ownerEmail, ...invoices.map(({ id }: { id: string }) => id)];
  for (const table of await tenantTables(admin)) {
    const { rows } = await admin.query(
      `select to_jsonb(t) ->> 'id' as id from "${table}" t where tenant_id = $1 and to_jsonb(t) ? 'id'`,
      [typeIdToUuid("ten", tenant.id)],
    );
    for (const { id } of rows)
      if (/^[0-9a-f-]{36}$/.test(id)) secrets.push(uuidToTypeId("x", id).slice("x_".length), id);
  }
  return ({ text, headers }) => {
    const said = `${text}\n${[...headers].join("\n")}`;
    return secrets.filter((secret) => said.includes(secret));
  };
}
