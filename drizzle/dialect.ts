import { and, type Column, getTableColumns, is, Param, type Placeholder, type SQL, sql, Table } from "drizzle-orm";
import { PgDialect } from "drizzle-orm/pg-core";

type Select = Parameters<PgDialect["buildSelectQuery"]>[0];
type Update = Parameters<PgDialect["buildUpdateQuery"]>[0];
type Delete = Parameters<PgDialect["buildDeleteQuery"]>[0];
type Insert = Parameters<PgDialect["buildInsertQuery"]>[0];

/** The tenant column of a table or of its alias; undefined when the table belongs to no tenant. */
function tenantColumn(table: unknown): Column | undefined {
  return is(table, Table) ? getTableColumns(table).tenantId : undefined;
}

/**
 * The tenant filter: a dialect that confines every statement to one tenant, so that no query repeats the condition.
 * Selects, updates and deletes get `tenant_id = $n` for each tenant table in them, inserts get the tenant's id. The
 * condition of a joined table is in its ON, because in WHERE it would turn a left join into an inner one.
 */
export class TenantDialect extends PgDialect {
  readonly #tenantId: string | Placeholder;

  /** @param tenantId TypeID of the tenant, or its placeholder in a prepared query */
  constructor(tenantId: string | Placeholder) {
    super();
    this.#tenantId = tenantId;
  }

  #confine(table: unknown): SQL | undefined {
    const column = tenantColumn(table);
    return column && sql`${column} = ${new Param(this.#tenantId, column)}`;
  }

  #joins(joins: Select["joins"], where: SQL | undefined) {
    const confined = joins?.map((join) => {
      const predicate = this.#confine(join.table);
      if (!predicate) return join;
      if (join.joinType === "right" || join.joinType === "full") {
        throw new Error(`A ${join.joinType} join of a tenant table cannot be confined: turn it into a left join.`);
      }
      if (join.on) return { ...join, on: and(join.on, predicate) };
      where = and(where, predicate);
      return join;
    });
    return { joins: confined, where };
  }

  override buildSelectQuery(query: Select): SQL {
    const { joins, where } = this.#joins(query.joins, query.where);
    return super.buildSelectQuery({ ...query, joins, where: and(where, this.#confine(query.table)) });
  }

  override buildUpdateQuery(query: Update): SQL {
    if (query.set.tenantId !== undefined) throw new Error("A row never moves to another tenant.");
    const { joins, where } = this.#joins(query.joins, query.where);
    const confined = and(where, this.#confine(query.table), this.#confine(query.from));
    return super.buildUpdateQuery({ ...query, joins: joins ?? [], where: confined });
  }

  override buildDeleteQuery(query: Delete): SQL {
    return super.buildDeleteQuery({ ...query, where: and(query.where, this.#confine(query.table)) });
  }

  override buildInsertQuery(query: Insert): SQL {
    const column = tenantColumn(query.table);
    if (!column || query.select) return super.buildInsertQuery(query);
    const rows = query.values as Record<string, Param | SQL>[];
    const values = rows.map((row) => {
      const given = is(row.tenantId, Param) ? row.tenantId.value : row.tenantId;
      if (given !== undefined && given !== this.#tenantId) throw new Error("A row is made for its own tenant only.");
      return { ...row, tenantId: new Param(this.#tenantId, column) };
    });
    return super.buildInsertQuery({ ...query, values });
  }
}
