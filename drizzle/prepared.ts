import { type Column, is, Param, Placeholder, sql } from "drizzle-orm";
import { type BuiltQuery, type Reader, TenantReader, type Unexecuted } from "./reader.js";

const TENANT = "the tenant";

interface Preparable {
  _prepare(): BuiltQuery;
}

type Values = Record<string, unknown>;
type Binding = (values: Values) => unknown;

/** How a parameter gets its value. The tenant is in most queries, so its id is encoded once for a batch. */
function bindingOf(parameter: unknown): Binding {
  if (is(parameter, Placeholder)) return (values) => values[parameter.name];
  if (!is(parameter, Param) || !is(parameter.value, Placeholder)) return () => parameter;
  const { name } = parameter.value;
  return name === TENANT ? (values) => values[name] : (values) => parameter.encoder.mapToDriverValue(values[name]);
}

/** A query whose text is built, and how each of its parameters gets a value. */
class PreparedText {
  readonly #sql: string;
  readonly #bindings: readonly Binding[];

  constructor(readonly query: BuiltQuery) {
    const { sql: text, params } = query.getQuery();
    this.#sql = text;
    this.#bindings = params.map(bindingOf);
  }

  bind(values: Values): Preparable {
    const bound = { sql: this.#sql, params: this.#bindings.map((binding) => binding(values)) };
    return {
      _prepare: () => ({
        getQuery: () => bound,
        isResponseInArrayMode: () => this.query.isResponseInArrayMode(),
        mapResult: (result) => this.query.mapResult(result),
      }),
    };
  }
}

/** A value in the encoding of its column: drizzle encodes values itself, but not those that a prepared query gets later. */
export const param = (value: string, column: Column): Param => new Param(value, column);

/**
 * A query whose text is built once for all tenants, because building costs more than all the rest of a small read. Each
 * call binds its tenant and its values; each set of values that are left out has a text of its own. `build` sees
 * placeholders, so it puts them into the query and branches only on whether a value is there.
 */
export function prepared<Given extends object, Built extends Unexecuted>(build: (q: Reader, values: Given) => Built) {
  const texts = new Map<string, PreparedText>();
  return (q: Reader, values: Given): Built => {
    if (!(q instanceof TenantReader)) return build(q, values); // an open transaction executes the query as it is built
    const given = Object.entries(values).filter(([, value]) => value !== undefined);
    const name = given.map(([key]) => key).join();
    let text = texts.get(name);
    if (!text) {
      const placeholders = Object.fromEntries(given.map(([key]) => [key, sql.placeholder(key)])) as Given;
      const reader = new TenantReader(sql.placeholder(TENANT)) as unknown as Reader;
      text = new PreparedText((build(reader, placeholders) as unknown as Preparable)._prepare());
      texts.set(name, text);
    }
    return text.bind({ ...values, [TENANT]: q.tenantUuid }) as unknown as Built;
  };
}
