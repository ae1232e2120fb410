import type { Host } from "../../stacks/local/host.js";

type Query = Host["admin"]["query"];

/** Rows of a tenant of which there is one, or that are counted elsewhere. */
const SINGLE = ["tenant", "payment_setting", "subscription", "usage", "counter", "rate_bucket", "idempotency_key"];
/** Types of which a copy gets another value. */
const COUNTABLE = ["text", "integer", "bigint", "date"];
/** Texts of a unique key that are one of a few words. */
const WORDS = ["kind", "type", "status", "name", "provider", "metric", "period"];

interface Column {
  table: string;
  column: string;
  type: string;
}

/** The columns of each table that are written, but for the tenant's id. */
const columnsOf = (query: Query) =>
  query(`
    select c.relname as table, a.attname as column, a.atttypid::regtype::text as type
      from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and a.attgenerated = '' and a.attname <> 'tenant_id'
       and exists (select from pg_attribute t where t.attrelid = c.oid and t.attname = 'tenant_id')
     order by c.relname, a.attnum`) as Promise<Column[] & Record<string, unknown>[]>;

/** The columns of each unique key, but for the tenant's id. */
const keysOf = (query: Query) =>
  query(`
    select c.relname as table, array_agg(a.attname::text order by a.attnum) as columns
      from pg_index i join pg_class c on c.oid = i.indrelid
      join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey) and a.attname <> 'tenant_id'
     where i.indisunique and c.relnamespace = 'public'::regnamespace group by i.indexrelid, c.relname`) as Promise<
    { table: string; columns: string[] }[] & Record<string, unknown>[]
  >;

/** The value of a column in the copy `n`: ids are mapped alike in all tables, so that copies refer to each other. */
function expressionOf({ column, type }: Column, isKey: boolean): string {
  const name = `"${column}"`;
  if (type === "uuid") return `copy_of(${name}, n)`;
  if (!isKey) return name;
  return type === "text" ? `${name} || '~' || n` : `${name} + ${type === "date" ? "n" : "n * 1000"}`;
}

/** Of a unique key without an id, the column that makes a copy another row. */
function distinguishing(columns: readonly Column[], key: readonly string[]): string | undefined {
  const parts = columns.filter(({ column }) => key.includes(column));
  if (parts.some(({ type }) => type === "uuid")) return undefined;
  return parts.findLast(({ column, type }) => COUNTABLE.includes(type) && !WORDS.includes(column))?.column;
}

/** Copies all rows of a tenant so many times, whatever tables there are; no trigger and no foreign key is asked. */
export async function copyRows(query: Query, tenantUuid: string, copies: number): Promise<void> {
  await query(`create or replace function copy_of(id uuid, n int) returns uuid language sql immutable as
    $$ select overlay(id::text placing lpad(to_hex(n), 8, '0') from 29 for 8)::uuid $$`);
  const [columns, keys] = [await columnsOf(query), await keysOf(query)];
  const tables = [...new Set(columns.map(({ table }) => table))].filter((table) => !SINGLE.includes(table));
  for (const table of tables) {
    const own = columns.filter((one) => one.table === table);
    const marks = keys.flatMap((key) => (key.table === table ? (distinguishing(own, key.columns) ?? []) : []));
    const names = own.map(({ column }) => `"${column}"`).join(", ");
    const values = own.map((one) => expressionOf(one, marks.includes(one.column))).join(", ");
    await query(`
      set session_replication_role = replica;
      insert into "${table}" (tenant_id, ${names}) select tenant_id, ${values}
        from "${table}", generate_series(1, ${copies}) n where tenant_id = '${tenantUuid}';
      set session_replication_role = origin`);
  }
  await query("vacuum analyze");
}
