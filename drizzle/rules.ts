import { Column, getTableColumns, getTableName, is, SQL, sql } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";
import { type Due, ownRows, rulesOf, type TenantTable } from "./table.js";

const dialect = new PgDialect();
const textOf = (fragment: SQL): string => dialect.sqlToQuery(fragment.inlineParams()).sql;

/**
 * The number of rows that one search reads from either end of the due ones. A tenant with more than twice as many
 * cannot hide the others: the rows that became due last, and those that wait longest, are always read. 10,000 entries
 * of an index take about 5 ms.
 */
const SEARCH_LIMIT = 10_000;

/** The condition of due rows. */
function conditionOf({ at, after, where }: Due): SQL {
  const now = after ? sql`now() - ${sql.raw(`interval '${after}'`)}` : sql`now()`;
  return sql`${at} <= ${now}${where ? sql` and ${where}` : sql``}`;
}

/** The search for tenants that have due rows in a table: bounded, and an index scan at any number of rows. */
export function dueSearch(table: TenantTable, due: Due): string {
  const rows = sql`select tenant_id from public.${sql.identifier(getTableName(table))} where ${conditionOf(due)}`;
  const limit = sql`limit ${sql.raw(String(SEARCH_LIMIT))}`;
  return textOf(sql`select distinct tenant_id from (
      (${rows} order by ${due.at} ${limit}) union all (${rows} order by ${due.at} desc ${limit})) due`);
}

/**
 * The function `platform.due_tenants`, with a branch for each table. The sweep asks for one table in a statement of its
 * own, so that a slow or failing search, or its `statement_timeout`, stops no other. Without a table it answers for all.
 */
export function dueFunction(tables: readonly TenantTable[]): string {
  const branches = tables.flatMap((table) =>
    rulesOf(table).due.map((due) => {
      const name = `'${getTableName(table)}'`;
      return `  if of_table is null or of_table = ${name} then return query\n    ${dueSearch(table, due)};\n  end if;\n`;
    }),
  );
  return `
drop function if exists platform.due_tenants();
create or replace function platform.due_tenants(of_table text default null) returns table (id uuid)
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
${branches.join("")}end $$;
alter function platform.due_tenants(text) owner to stoa_platform;
revoke all on function platform.due_tenants(text) from public;
grant execute on function platform.due_tenants(text) to stoa_app;
`;
}

/** Names of the columns in a condition. */
const columnsIn = (chunk: unknown): string[] => {
  if (is(chunk, Column)) return [chunk.name];
  if (is(chunk, SQL)) return chunk.queryChunks.flatMap(columnsIn);
  return Array.isArray(chunk) ? chunk.flatMap(columnsIn) : [];
};

/** The rules of the tables as `rules.sql` reads them. */
export const describeTables = (tables: readonly TenantTable[]) =>
  tables.map((table) => {
    const { appendOnly, unlogged, due, relay } = rulesOf(table);
    const columns = getTableColumns(table);
    const named = (keys: readonly string[] = []) => keys.flatMap((key) => columns[key]?.name ?? []);
    return {
      name: getTableName(table),
      policy: textOf(ownRows),
      append_only: appendOnly,
      unlogged,
      due: [...new Set(due.flatMap((each) => ["tenant_id", ...columnsIn(conditionOf(each))]))],
      relay_select: named(relay?.select),
      relay_update: named(relay?.update),
    };
  });
