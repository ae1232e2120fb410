import { Column, getTableColumns, getTableName, is, SQL } from "drizzle-orm";
import type pg from "pg";
import { rulesOf, type TenantTable } from "../../drizzle/table.js";

/** Columns and policies that `platform.sql` gives to its own functions, beside what follows from the rules. */
const PLATFORM: Record<string, { select: string[]; policies: string[] }> = {
  tenant: { select: ["tenant_id", "slug", "status", "livemode"], policies: ["tenant_platform r stoa_platform"] },
  payment_account: {
    select: ["tenant_id", "provider", "account", "livemode"],
    policies: ["payment_account_platform r stoa_platform"],
  },
  subscription: { select: ["tenant_id", "customer", "livemode"], policies: ["subscription_platform r stoa_platform"] },
  rate_bucket: {
    select: ["tenant_id", "id", "refilled_at", "forget_at"],
    policies: ["rate_bucket_platform * stoa_platform"],
  },
  job: { select: [], policies: ["job_platform a stoa_platform"] },
};

const columnsIn = (chunk: unknown): string[] => {
  if (is(chunk, Column)) return [chunk.name];
  return is(chunk, SQL) ? chunk.queryChunks.flatMap(columnsIn) : [];
};
const sorted = (names: readonly string[]) => [...new Set(names)].sort();

/** What the catalog must say of a table, by its rules. */
function expected(table: TenantTable) {
  const name = getTableName(table);
  const { appendOnly, unlogged, due, relay } = rulesOf(table);
  const columns = getTableColumns(table);
  const named = (keys: readonly string[] = []) => sorted(keys.map((key) => columns[key]?.name ?? key));
  const dueColumns = due.flatMap(({ at, where }) => ["tenant_id", at.name, ...columnsIn(where)]);
  return {
    name,
    security: "enabled forced",
    kept: unlogged ? "unlogged" : "logged",
    policies: sorted([
      `${name}_tenant * public`,
      ...(relay ? [`${name}_relay * stoa_relay`] : []),
      ...(due.length > 0 ? [`${name}_due r stoa_platform`] : []),
      ...(PLATFORM[name]?.policies ?? []),
    ]),
    app: appendOnly ? ["INSERT", "SELECT"] : ["DELETE", "INSERT", "SELECT", "UPDATE"],
    relaySelects: named(relay?.select),
    relayUpdates: named(relay?.update),
    platformSelects: sorted([...dueColumns, ...(PLATFORM[name]?.select ?? [])]),
    triggers: appendOnly ? [`${name}_append_only`, `${name}_no_truncate`] : [],
    dueIndexes: sorted(due.map(({ at }) => `${name}_${at.name}_due`)),
  };
}
type State = ReturnType<typeof expected>;

const columnsOf = (role: string, privilege: string) => `array(
  select column_name::text from information_schema.column_privileges p where p.table_schema = 'public'
     and p.table_name = c.relname and p.grantee = '${role}' and p.privilege_type = '${privilege}' order by 1)`;
const CATALOG = `
  select c.relname::text as name,
    concat_ws(' ', case when c.relrowsecurity then 'enabled' end, case when c.relforcerowsecurity then 'forced' end) as security,
    case c.relpersistence when 'u' then 'unlogged' else 'logged' end as kept,
    array(select p.polname::text || ' ' || p.polcmd::text || ' ' ||
            case when p.polroles = '{0}' then 'public' else array_to_string(p.polroles::regrole[], ',') end
            from pg_policy p where p.polrelid = c.oid order by 1) as policies,
    array(select distinct privilege_type::text from information_schema.role_table_grants p
           where p.table_schema = 'public' and p.table_name = c.relname and p.grantee = 'stoa_app' order by 1) as app,
    ${columnsOf("stoa_relay", "SELECT")} as "relaySelects", ${columnsOf("stoa_relay", "UPDATE")} as "relayUpdates",
    ${columnsOf("stoa_platform", "SELECT")} as "platformSelects",
    array(select tgname::text from pg_trigger where tgrelid = c.oid and tgfoid = 'refuse_change'::regproc order by 1) as triggers,
    array(select i.indexrelid::regclass::text from pg_index i
            join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[1] and a.attname = 'tenant_id'
           where i.indrelid = c.oid and i.indisvalid order by 1) as "dueIndexes"
   from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace`;

/** Each rule of a table that the database does not have as the module says it; empty when all agree. */
export async function differences(pool: pg.Pool | pg.PoolClient, tables: readonly TenantTable[]): Promise<string[]> {
  const { rows } = await pool.query<State>(CATALOG);
  return tables.map(expected).flatMap((wanted) => {
    const found = rows.find(({ name }) => name === wanted.name);
    if (!found) return [`${wanted.name}: is in no migration`];
    return (Object.keys(wanted) as (keyof State)[])
      .filter((rule) => String(found[rule]) !== String(wanted[rule]))
      .map((rule) => `${wanted.name} ${rule}: ${found[rule]} instead of ${wanted[rule]}`);
  });
}
