import type { Kind, Objects, Stored, Type } from "./engine.js";

/** The objects of one type in one account. `order` holds them as they were made; removed ones leave a hole. */
export interface Shelf<O> {
  readonly byId: Map<string, { object: O; readonly place: number }>;
  readonly order: (string | undefined)[];
  /** Field → value → ids, as they got it. */
  readonly index: ReadonlyMap<string, Map<string, Set<string>>>;
}

export interface Store {
  shelf<T extends Type>(account: string | undefined, type: T): Shelf<Objects[T]>;
  put(account: string | undefined, object: Stored): void;
  remove(account: string | undefined, type: Type, id: string): void;
  /** Every shelf with its account. */
  shelves(): Iterable<{ account: string | undefined; type: Type; shelf: Shelf<Stored> }>;
  typeOf(id: string): Type | undefined;
}

const read = (object: Stored | undefined, field: string) => (object as Record<string, unknown> | undefined)?.[field];

function reindex(shelf: Shelf<Stored>, id: string, old: Stored | undefined, object: Stored) {
  for (const [field, values] of shelf.index) {
    const [before, after] = [read(old, field), read(object, field)];
    if (before === after) continue;
    if (typeof before === "string") values.get(before)?.delete(id);
    if (typeof after !== "string") continue;
    const ids = values.get(after);
    if (ids) ids.add(id);
    else values.set(after, new Set([id]));
  }
}

/** All that Stripe would know, in memory: what a request reads is found by id or by an index, never by a scan. */
export function createStore(kinds: readonly Kind[]): Store {
  const accounts = new Map<string | undefined, Map<Type, Shelf<Stored>>>();
  const byType = new Map(kinds.map((kind) => [kind.type, kind]));
  const prefixes = new Map(kinds.flatMap(({ type, prefix }) => [prefix].flat().map((one) => [one, type] as const)));

  function shelf(account: string | undefined, type: Type): Shelf<Stored> {
    const shelves = accounts.get(account) ?? new Map<Type, Shelf<Stored>>();
    accounts.set(account, shelves);
    const known = shelves.get(type);
    if (known) return known;
    const index = new Map((byType.get(type)?.index ?? []).map((field) => [field, new Map<string, Set<string>>()]));
    const made: Shelf<Stored> = { byId: new Map(), order: [], index };
    shelves.set(type, made);
    return made;
  }

  function put(account: string | undefined, object: Stored) {
    const on = shelf(account, object.object);
    const entry = on.byId.get(object.id);
    reindex(on, object.id, entry?.object, object);
    if (entry) entry.object = object;
    else on.byId.set(object.id, { object, place: on.order.push(object.id) - 1 });
  }

  function remove(account: string | undefined, type: Type, id: string) {
    const on = shelf(account, type);
    const entry = on.byId.get(id);
    if (!entry) return;
    for (const [field, values] of on.index) {
      const value = read(entry.object, field);
      if (typeof value === "string") values.get(value)?.delete(id);
    }
    on.order[entry.place] = undefined;
    on.byId.delete(id);
  }

  function* shelves() {
    for (const [account, types] of accounts) for (const [type, one] of types) yield { account, type, shelf: one };
  }

  return {
    // The one place where a type's name stands for its objects.
    shelf: <T extends Type>(account: string | undefined, type: T) =>
      shelf(account, type) as unknown as Shelf<Objects[T]>,
    put,
    remove,
    shelves,
    typeOf: (id) => prefixes.get(id.slice(0, Math.max(0, id.lastIndexOf("_")))),
  };
}
