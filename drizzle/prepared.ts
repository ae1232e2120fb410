import { type Column, is, Param, Placeholder, SQL, sql } from "drizzle-orm";
import { type BuiltQuery, type Reader, TenantReader, type Unexecuted } from "./reader.js";

const TENANT = "the tenant";

interface Preparable {
  _prepare(): BuiltQuery;
}

type Values = Record<string, unknown>;

/** Several values under one name, each with a placeholder of its own. */
class Row {
  constructor(readonly values: Values) {}
}

/** The columns of a row as one value of a prepared query; columns that are undefined are left out. */
export const asRow = <Columns extends object>(columns: Columns): Columns => new Row(columns as Values) as never;

type Leaf = readonly [path: string, value: unknown];

/** The values that are given, those of a row under `<name>.<column>`. */
const leavesOf = (values: object): Leaf[] =>
  Object.entries(values).flatMap(([key, value]): Leaf[] => {
    if (value instanceof Row) return leavesOf(value.values).map(([path, leaf]) => [`${key}.${path}`, leaf]);
    return value === undefined ? [] : [[key, value]];
  });

/** The same values, with rows as plain objects, and each value as `replace` answers it. */
const replaceLeaves = (values: object, replace: (path: string, value: unknown) => unknown, prefix = ""): Values =>
  Object.fromEntries(
    Object.entries(values).map(([key, value]) => {
      const path = prefix + key;
      if (value instanceof Row) return [key, replaceLeaves(value.values, replace, `${path}.`)];
      return [key, value === undefined ? undefined : replace(path, value)];
    }),
  );

type Binding = (values: Values) => unknown;

/** How a parameter gets its value. The tenant is in most queries, so its id is encoded once for a batch. */
function bindingOf(parameter: unknown): Binding {
  if (is(parameter, Placeholder)) return (values) => values[parameter.name];
  if (!is(parameter, Param) || !is(parameter.value, Placeholder)) return () => parameter;
  const { name } = parameter.value;
  if (name === TENANT) return (values) => values[name];
  return (values) => (values[name] === null ? null : parameter.encoder.mapToDriverValue(values[name]));
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
export const param = (value: unknown, column: Column): Param => new Param(value, column);

/**
 * A query whose text is built once for all tenants, because building costs more than all the rest of a small read. Each
 * call binds its tenant and its values; each set of values that are left out has a text of its own. `build` sees
 * placeholders, so it puts them into the query and branches only on whether a value is there. Values that are SQL are a
 * part of the text, so that such a query is built each time.
 */
export function prepared<Given extends object, Built extends Unexecuted>(build: (q: Reader, values: Given) => Built) {
  const texts = new Map<string, PreparedText>();
  return (q: Reader, values: Given): Built => {
    const leaves = leavesOf(values);
    // An open transaction executes the query as it is built.
    if (!(q instanceof TenantReader) || leaves.some(([, value]) => is(value, SQL)))
      return build(q, replaceLeaves(values, (_, value) => value) as Given);
    const name = leaves.map(([path]) => path).join();
    let text = texts.get(name);
    if (!text) {
      const reader = new TenantReader(sql.placeholder(TENANT)) as unknown as Reader;
      const placeholders = replaceLeaves(values, (path) => sql.placeholder(path)) as Given;
      text = new PreparedText((build(reader, placeholders) as unknown as Preparable)._prepare());
      texts.set(name, text);
    }
    return text.bind({ ...Object.fromEntries(leaves), [TENANT]: q.tenantUuid }) as unknown as Built;
  };
}
