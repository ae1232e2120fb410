import { type Column, is, Param, Placeholder, sql } from "drizzle-orm";
import { NeonHttpDatabase, NeonHttpSession } from "drizzle-orm/neon-http";
import type { Client } from "./client.js";
import { TenantDialect } from "./dialect.js";
import type { Reader, Unexecuted } from "./tenant.js";
import { typeIdToUuid } from "./typeid.js";

type Schema = Record<string, never>;
const TENANT = "the tenant";

/** Builds the queries of a batch for one tenant. */
export class TenantReader extends NeonHttpDatabase<Schema> {
  readonly tenantUuid: string | undefined;

  constructor(
    readonly client: Client,
    /** TypeID, or a placeholder in a query that is built for all tenants. */
    tenantId: string | Placeholder,
  ) {
    const dialect = new TenantDialect(tenantId);
    super(dialect, new NeonHttpSession(client.http, dialect, undefined), undefined);
    this.tenantUuid = typeof tenantId === "string" ? typeIdToUuid("ten", tenantId) : undefined;
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

type Fill = (values: Record<string, unknown>) => unknown;

/** How a parameter comes by its value. The tenant is in most of them, and is encoded once for all. */
function fillOf(param: unknown): Fill {
  if (is(param, Placeholder)) return (values) => values[param.name];
  if (!is(param, Param) || !is(param.value, Placeholder)) return () => param;
  const { name } = param.value;
  return name === TENANT ? (values) => values[name] : (values) => param.encoder.mapToDriverValue(values[name]);
}

/** A query whose text is built, and what it lacks. */
class Shape {
  readonly #sql: string;
  readonly #fills: readonly Fill[];

  constructor(readonly prepared: Prepared) {
    const { sql: text, params } = prepared.getQuery();
    this.#sql = text;
    this.#fills = params.map(fillOf);
  }

  fill(values: Record<string, unknown>): Preparable {
    const query = { sql: this.#sql, params: this.#fills.map((fill) => fill(values)) };
    return {
      _prepare: () => ({
        getQuery: () => query,
        isResponseInArrayMode: () => this.prepared.isResponseInArrayMode(),
        mapResult: (result) => this.prepared.mapResult(result),
      }),
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
  const shapes = new Map<string, Shape>();
  return (q: Reader, values: Values): Query => {
    if (!(q instanceof TenantReader)) return build(q, values); // the open transaction executes what it builds
    const given = Object.entries(values).filter(([, value]) => value !== undefined);
    const name = given.map(([key]) => key).join();
    let shape = shapes.get(name);
    if (!shape) {
      const places = Object.fromEntries(given.map(([key]) => [key, sql.placeholder(key)])) as Values;
      const reader = new TenantReader(q.client, sql.placeholder(TENANT)) as unknown as Reader;
      shape = new Shape((build(reader, places) as unknown as Preparable)._prepare());
      shapes.set(name, shape);
    }
    return shape.fill({ ...values, [TENANT]: q.tenantUuid }) as unknown as Query;
  };
}
