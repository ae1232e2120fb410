import { type Column, getTableColumns, is, Param, type SQL, SQL as Sql, sql } from "drizzle-orm";
import { PgJsonb, type PgTable } from "drizzle-orm/pg-core";
import type { Tx } from "../../drizzle/tenant.js";
import { tenantId } from "./actor.js";

/**
 * Statements on many values whose text is the same for any number of them, because each text becomes a prepared
 * statement of the connection.
 */

/** An array of Postgres as text: `{"a","b"}`. */
const toArray = (values: readonly unknown[]) =>
  `{${values.map((value) => `"${String(value).replace(/[\\"]/g, "\\$&")}"`).join(",")}}`;

/** The condition that a column has one of some values; no row has one of none. */
export const anyOf = <Value extends string | number>(column: Column, values: readonly Value[]): SQL =>
  sql`${column} = any(${toArray(values.map((value) => column.mapToDriverValue(value)))}::${sql.raw(column.getSQLType())}[])`;

/** The value of a column inside of JSON. */
const toJson = (column: Column, value: unknown) =>
  value === null || value === undefined || is(column, PgJsonb) ? value : column.mapToDriverValue(value);

/** The value of a column that no row gives. */
function defaultOf(column: Column): SQL {
  const value = column.default ?? column.defaultFn?.();
  if (is(value, Sql)) return value;
  return value === undefined ? sql`null` : sql`${new Param(value, column)}`.inlineParams();
}

/** A row whose values are plain: no SQL, which JSON could not carry. */
type PlainRow<Table extends PgTable> = Table["$inferInsert"];

/** A row that is to be inserted, in the condition of {@link insertRows}. */
export const givenColumn = (column: Column): SQL => sql`given.${sql.identifier(column.name)}`;

/**
 * The insert of rows in their order, to be completed by `returning()` or a conflict clause. The rows travel as one
 * parameter, so that the text depends only on the columns that they give.
 * @param where a condition that a row must meet to be inserted
 */
export function insertRows<Table extends PgTable>(
  q: Pick<Tx, "insert">,
  table: Table,
  rows: readonly PlainRow<Table>[],
  where: SQL = sql`true`,
) {
  const columns = Object.entries(getTableColumns(table)).filter(([, { generated }]) => !generated);
  const isGiven = (key: string) => rows.length === 0 || rows.some((row) => row[key as never] !== undefined);
  const given = columns.filter(([key]) => key !== "tenantId" && isGiven(key));
  const json = rows.map((row) =>
    Object.fromEntries(given.map(([key, column]) => [column.name, toJson(column, row[key as never])])),
  );
  const values = columns.map(([key, column]) => {
    if (key === "tenantId") return sql`${new Param(tenantId(), column)}`;
    if (!given.some(([name]) => name === key)) return defaultOf(column);
    const value = givenColumn(column);
    return column.hasDefault && column.notNull ? sql`coalesce(${value}, ${defaultOf(column)})` : value;
  });
  const types = given.map(([, column]) => sql`${sql.identifier(column.name)} ${sql.raw(column.getSQLType())}`);
  return q.insert(table).select(
    sql`select ${sql.join(values, sql`, `)}
      from jsonb_to_recordset(${JSON.stringify(json)}::jsonb) as given (${sql.join(types, sql`, `)})
      where ${where}`,
  );
}
