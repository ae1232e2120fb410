import { type Column, fillPlaceholders, Param, type Placeholder, sql } from "drizzle-orm";
import { NeonHttpDatabase, NeonHttpSession } from "drizzle-orm/neon-http";
import type { Client } from "./client.js";
import { TenantDialect } from "./dialect.js";
import type { Reader, Unexecuted } from "./tenant.js";

type Schema = Record<string, never>;
const TENANT = "the tenant";

/** Builds the queries of a batch for one tenant. */
export class TenantReader extends NeonHttpDatabase<Schema> {
  constructor(
    readonly client: Client,
    /** TypeID, or a placeholder in a query that is built for all tenants. */
    readonly tenantId: string | Placeholder,
  ) {
    const dialect = new TenantDialect(tenantId);
    super(dialect, new NeonHttpSession(client.http, dialect, undefined), undefined);
  }
}

interface Prepared {
  getQuery(): { sql: string; params: unknown[] };
  isResponseInArrayMode(): boolean;
  mapResult(result: unknown): unknown;
}
interface Preparable {
  _prepare(): Prepared;
}

/** A query of a batch whose text was built before. */
class Filled implements Preparable {
  constructor(
    readonly prepared: Prepared,
    readonly params: unknown[],
  ) {}

  _prepare(): Prepared {
    return {
      getQuery: () => ({ sql: this.prepared.getQuery().sql, params: this.params }),
      isResponseInArrayMode: () => this.prepared.isResponseInArrayMode(),
      mapResult: (result) => this.prepared.mapResult(result),
    };
  }
}

/** A value as this column keeps it: drizzle encodes values by itself, but not what is put in later. */
export const encoded = (value: string, column: Column): Param => new Param(value, column);

/**
 * A query that is built once for all tenants, because building costs more than all the rest of a small read. Each call
 * puts its tenant and its values in; a value that is left out is another shape. `build` sees placeholders, so it
 * puts them into the query and decides nothing by them but whether they are there.
 */
export function shaped<Values extends object, Query extends Unexecuted>(build: (q: Reader, values: Values) => Query) {
  const shapes = new Map<string, Prepared>();
  return (q: Reader, values: Values): Query => {
    if (!(q instanceof TenantReader)) return build(q, values); // the open transaction executes what it builds
    const given = Object.entries(values).filter(([, value]) => value !== undefined);
    const shape = given.map(([name]) => name).join();
    let prepared = shapes.get(shape);
    if (!prepared) {
      const places = Object.fromEntries(given.map(([name]) => [name, sql.placeholder(name)])) as Values;
      const reader = new TenantReader(q.client, sql.placeholder(TENANT)) as unknown as Reader;
      prepared = (build(reader, places) as unknown as Preparable)._prepare();
      shapes.set(shape, prepared);
    }
    const params = fillPlaceholders(prepared.getQuery().params, { ...values, [TENANT]: q.tenantId });
    return new Filled(prepared, params) as unknown as Query;
  };
}
