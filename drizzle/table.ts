import { type BuildColumns, type BuildExtraConfigColumns, sql } from "drizzle-orm";
import {
  type PgColumnBuilderBase,
  type PgTableExtraConfigValue,
  type PgTableWithColumns,
  pgPolicy,
  pgTable,
  primaryKey,
} from "drizzle-orm/pg-core";
import { instant, tenantIdColumn } from "./column.js";

/** The tenant of the running transaction; after a former one the setting is empty, not unset. No context, no row. */
const context = sql`nullif(current_setting('app.tenant_id', true), '')::uuid`;
/** In a select, so that it is evaluated once for a statement and not once for a row. */
const matches = sql`tenant_id = (select ${context})`;

const base = () => ({
  tenantId: tenantIdColumn("tenant_id").notNull().default(context),
  createdAt: instant("created_at").notNull().default(sql`now()`),
  updatedAt: instant("updated_at")
    .notNull()
    .default(sql`now()`)
    .$onUpdate(() => sql`now()`),
});
type Base = ReturnType<typeof base>;

/**
 * A table of tenants' rows: tenant id, timestamps, primary key `(tenant_id, id)` and the row-level-security policy
 * come from here (the second wall). A table without a column `id` names its own primary key in `extra`.
 */
export function tenantTable<Name extends string, Columns extends Record<string, PgColumnBuilderBase>>(
  name: Name,
  columns: Columns,
  extra?: (self: BuildExtraConfigColumns<Name, Base & Columns, "pg">) => PgTableExtraConfigValue[],
): PgTableWithColumns<{
  name: Name;
  schema: undefined;
  columns: BuildColumns<Name, Base & Columns, "pg">;
  dialect: "pg";
}> {
  return pgTable(name, { ...base(), ...columns } as Base & Columns, (self) => {
    const keyed = self as BuildExtraConfigColumns<Name, Base & { id: Base["tenantId"] }, "pg">;
    return [
      ...("id" in columns ? [primaryKey({ name: `${name}_pk`, columns: [keyed.tenantId, keyed.id] })] : []),
      pgPolicy(`${name}_tenant`, { for: "all", using: matches, withCheck: matches }),
      ...(extra?.(self as BuildExtraConfigColumns<Name, Base & Columns, "pg">) ?? []),
    ];
  }) as never;
}
