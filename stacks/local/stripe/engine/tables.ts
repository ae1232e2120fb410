import type { Kind, Objects, Stored, Type } from "./engine.js";

/** Objects of one type in one account. `order` holds ids by creation; a removed one leaves a hole. */
export interface Table<O> {
  readonly byId: Map<string, { object: O; readonly place: number }>;
  readonly order: (string | undefined)[];
  /** Field → value → ids, in the order in which they got the value. */
  readonly index: ReadonlyMap<string, Map<string, Set<string>>>;
}

export interface Tables {
  table<T extends Type>(account: string | undefined, type: T): Table<Objects[T]>;
  put(account: string | undefined, object: Stored): void;
  remove(account: string | undefined, type: Type, id: string): void;
  /** Every table with its account. */
  all(): Iterable<{ account: string | undefined; type: Type; table: Table<Stored> }>;
  typeOf(id: string): Type | undefined;
}

const read = (object: Stored | undefined, field: string) => (object as Record<string, unknown> | undefined)?.[field];

function reindex(table: Table<Stored>, id: string, old: Stored | undefined, object: Stored) {
  for (const [field, values] of table.index) {
    const [before, after] = [read(old, field), read(object, field)];
    if (before === after) continue;
    if (typeof before === "string") values.get(before)?.delete(id);
    if (typeof after !== "string") continue;
    const ids = values.get(after);
    if (ids) ids.add(id);
    else values.set(after, new Set([id]));
  }
}

/** All objects in memory, found by id or by an index instead of a scan. */
export function createTables(kinds: readonly Kind[]): Tables {
  const accounts = new Map<string | undefined, Map<Type, Table<Stored>>>();
  const byType = new Map(kinds.map((kind) => [kind.type, kind]));
  const prefixes = new Map(kinds.flatMap(({ type, prefix }) => [prefix].flat().map((one) => [one, type] as const)));

  function table(account: string | undefined, type: Type): Table<Stored> {
    const tables = accounts.get(account) ?? new Map<Type, Table<Stored>>();
    accounts.set(account, tables);
    const known = tables.get(type);
    if (known) return known;
    const index = new Map((byType.get(type)?.index ?? []).map((field) => [field, new Map<string, Set<string>>()]));
    const made: Table<Stored> = { byId: new Map(), order: [], index };
    tables.set(type, made);
    return made;
  }

  function put(account: string | undefined, object: Stored) {
    const on = table(account, object.object);
    const entry = on.byId.get(object.id);
    reindex(on, object.id, entry?.object, object);
    if (entry) entry.object = object;
    else on.byId.set(object.id, { object, place: on.order.push(object.id) - 1 });
  }

  function remove(account: string | undefined, type: Type, id: string) {
    const on = table(account, type);
    const entry = on.byId.get(id);
    if (!entry) return;
    for (const [field, values] of on.index) {
      const value = read(entry.object, field);
      if (typeof value === "string") values.get(value)?.delete(id);
    }
    on.order[entry.place] = undefined;
    on.byId.delete(id);
  }

  function* all() {
    for (const [account, types] of accounts) for (const [type, one] of types) yield { account, type, table: one };
  }

  return {
    // The only cast from a type's name to the type of its objects.
    table: <T extends Type>(account: string | undefined, type: T) =>
      table(account, type) as unknown as Table<Objects[T]>,
    put,
    remove,
    all,
    typeOf: (id) => prefixes.get(id.slice(0, Math.max(0, id.lastIndexOf("_")))),
  };
}
