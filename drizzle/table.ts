import { type BuildColumns, type BuildExtraConfigColumns, isNotNull, type SQL, sql } from "drizzle-orm";
import {
  type ExtraConfigColumn,
  index,
  type PgColumnBuilderBase,
  type PgTable,
  type PgTableExtraConfigValue,
  type PgTableWithColumns,
  pgPolicy,
  pgTable,
  primaryKey,
} from "drizzle-orm/pg-core";
import { instant, tenantIdColumn } from "./column.js";

/** The tenant of the running transaction; after a former one the setting is empty, not unset. No context, no row. */
const context = sql`nullif(current_setting('app.tenant_id', true), '')::uuid`;
/** The condition of each policy. The context is in a subselect, so that Postgres evaluates it once for a statement. */
export const ownRows = sql`tenant_id = (select ${context})`;

const base = () => ({
  tenantId: tenantIdColumn("tenant_id").notNull().default(context),
  createdAt: instant("created_at").notNull().default(sql`now()`),
  updatedAt: instant("updated_at")
    .notNull()
    .default(sql`now()`)
    .$onUpdate(() => sql`now()`),
});
type Base = ReturnType<typeof base>;
type Self<Name extends string, Columns> = BuildExtraConfigColumns<Name, Base & Columns, "pg">;

/** Rows for which the sweep visits their tenant. Index and search are made from this, so one serves the other. */
export interface Due {
  /** The instant from which a row is due; null is never due. */
  at: ExtraConfigColumn;
  /** How long after that instant, when not at once. */
  after?: `${number} ${"hours" | "days"}`;
  /** A condition on the row alone, which becomes the predicate of the index. */
  where?: SQL | undefined;
}

/** The columns that the relay sees, and those that it changes, in the rows of all tenants. */
interface RelayAccess<Column = string> {
  select: readonly Column[];
  update: readonly Column[];
}

/** The rules of a table beside its columns: `migrate()` makes grants, triggers, policies and searches from them. */
export interface TableRules<Columns = Record<string, ExtraConfigColumn>, Column = string> {
  /** Corrections are new rows: no role changes or deletes one, not even the owner. */
  appendOnly?: boolean;
  /** For rows that are written all the time and may be lost in a crash of the server; they may be of no known tenant. */
  unlogged?: boolean;
  due?: (self: Columns) => Due | readonly Due[];
  relay?: RelayAccess<Column>;
}

/** A table made with `tenantTable()`. */
export type TenantTable = PgTable;

interface KnownRules {
  appendOnly: boolean;
  unlogged: boolean;
  due: readonly Due[];
  relay: RelayAccess | undefined;
}
const known = new WeakMap<PgTable, KnownRules>();

/** The rules of a table. @throws Error for one that was not made with `tenantTable()` */
export function rulesOf(table: TenantTable): KnownRules {
  const rules = known.get(table);
  if (!rules) throw new Error("A module's table is made with tenantTable().");
  return rules;
}

/** Begins with the instant and not with the tenant, because the search goes through all tenants. */
function dueIndex(name: string, { at, where }: Due, tenantId: ExtraConfigColumn) {
  const predicate = where?.inlineParams() ?? (at.notNull ? undefined : isNotNull(at));
  const found = index(`${name}_${at.name}_due`).on(at, tenantId);
  return predicate ? found.where(predicate) : found;
}

/**
 * A table of tenants' rows: tenant id, timestamps, primary key `(tenant_id, id)` and the policy of row-level security
 * come from here. A table without a column `id` names its own primary key in `extras`.
 */
export function tenantTable<Name extends string, Columns extends Record<string, PgColumnBuilderBase>>(
  name: Name,
  columns: Columns,
  extras: (self: Self<Name, Columns>) => PgTableExtraConfigValue[] = () => [],
  { appendOnly = false, unlogged = false, due, relay }: TableRules<Self<Name, Columns>, keyof (Base & Columns)> = {},
): PgTableWithColumns<{
  name: Name;
  schema: undefined;
  columns: BuildColumns<Name, Base & Columns, "pg">;
  dialect: "pg";
}> {
  const duesOf = (self: unknown): Due[] => [due?.(self as Self<Name, Columns>) ?? []].flat() as Due[];
  const table = pgTable(name, { ...base(), ...columns } as Base & Columns, (self) => {
    const keyed = self as Self<Name, { id: Base["tenantId"] }>;
    return [
      ...("id" in columns ? [primaryKey({ name: `${name}_pk`, columns: [keyed.tenantId, keyed.id] })] : []),
      pgPolicy(`${name}_tenant`, { for: "all", using: ownRows, withCheck: ownRows }),
      ...duesOf(self).map((each) => dueIndex(name, each, keyed.tenantId)),
      ...extras(self as Self<Name, Columns>),
    ];
  });
  known.set(table, { appendOnly, unlogged, due: duesOf(table), relay: relay as RelayAccess | undefined });
  return table as never;
}
