import { type Column, getTableColumns, is, Param, type SQL, SQL as Sql, sql } from "drizzle-orm";
import { PgDialect, PgJsonb, type PgTable } from "drizzle-orm/pg-core";
import { TenantReader } from "../../drizzle/reader.js";
import type { Tx } from "../../drizzle/tenant.js";
import { tenantId } from "./actor.js";

/**
 * Statements on many values whose text is the same for any number of them, because each text becomes a prepared
 * statement of the connection.
 */

/** The condition that a column has one of some values, which are one parameter; no row has one of none. */
export function anyOf<Value extends string | number>(column: Column, values: readonly Value[]): SQL {
  const encoder = { mapToDriverValue: (all: readonly Value[]) => all.map((value) => column.mapToDriverValue(value)) };
  return sql`${column} = any(${new Param(values, encoder)}::${sql.raw(column.getSQLType())}[])`;
}

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

/** Rows as one parameter, by the names of their columns. */
export const rowsToJson = <Table extends PgTable>(table: Table, rows: readonly PlainRow<Table>[]): string => {
  const columns = Object.entries(getTableColumns(table));
  return JSON.stringify(
    rows.map((row) =>
      Object.fromEntries(columns.map(([key, column]) => [column.name, toJson(column, row[key as never])])),
    ),
  );
};

/** The parts of an insert that depend on nothing but the columns that its rows give. */
interface InsertText {
  /** The values of all columns but the tenant's, which is the first. */
  readonly values: SQL;
  /** The columns of the parameter, with their types. */
  readonly types: SQL;
}
const dialect = new PgDialect();
const texts = new WeakMap<PgTable, Map<string, InsertText>>();

/** Texts are made once, because making them costs more than the rest of a small insert. */
function textOf(table: PgTable, keys: readonly string[]): InsertText {
  const known = texts.get(table) ?? new Map<string, InsertText>();
  texts.set(table, known);
  const text = known.get(keys.join()) ?? makeText(table, keys);
  known.set(keys.join(), text);
  return text;
}

function makeText(table: PgTable, keys: readonly string[]): InsertText {
  const [[first] = [], ...columns] = Object.entries(getTableColumns(table)).filter(([, { generated }]) => !generated);
  if (first !== "tenantId") throw new Error("The first column of a tenant's table is the tenant.");
  const values = columns.map(([key, column]) => {
    if (!keys.includes(key)) return defaultOf(column);
    const value = givenColumn(column);
    return column.hasDefault && column.notNull ? sql`coalesce(${value}, ${defaultOf(column)})` : value;
  });
  const types = columns
    .filter(([key]) => keys.includes(key))
    .map(([, column]) => sql`${sql.identifier(column.name)} ${sql.raw(column.getSQLType())}`);
  const toText = (parts: readonly SQL[]) => sql.raw(dialect.sqlToQuery(sql.join([...parts], sql`, `)).sql);
  return { values: toText(values), types: toText(types) };
}

/**
 * The insert of rows that are one parameter, to be completed by `returning()` or a conflict clause.
 * @param keys the columns that the rows give
 * @param json the rows, as {@link rowsToJson} makes them, or their placeholder
 * @param where a condition that a row must meet to be inserted
 */
export function insertJson<Table extends PgTable>(
  q: Pick<Tx, "insert">,
  table: Table,
  keys: readonly (string & keyof PlainRow<Table>)[],
  json: string,
  where: SQL = sql`true`,
) {
  const { values, types } = textOf(table, keys);
  const tenant = new Param(
    q instanceof TenantReader ? q.tenantId : tenantId(),
    getTableColumns(table).tenantId as Column,
  );
  return q
    .insert(table)
    .select(
      sql`select ${tenant}, ${values} from jsonb_to_recordset(${json}::jsonb) as given (${types}) where ${where}`,
    );
}

/**
 * The insert of rows in their order, to be completed by `returning()` or a conflict clause. The rows travel as one
 * parameter, so that the text depends only on the columns that they give.
 * @param where a condition that a row must meet to be inserted
 */
export function insertRows<Table extends PgTable>(
  q: Pick<Tx, "insert">,
  table: Table,
  rows: readonly PlainRow<Table>[],
  where?: SQL,
) {
  const keys = Object.entries(getTableColumns(table))
    .filter(([key, { generated }]) => key !== "tenantId" && !generated)
    .filter(([key]) => rows.length === 0 || rows.some((row) => row[key as never] !== undefined))
    .map(([key]) => key as never);
  return insertJson(q, table, keys, rowsToJson(table, rows), where);
}
