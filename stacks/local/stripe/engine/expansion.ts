import type { Kind, Store } from "./engine.js";
import { refused } from "./failure.js";
import type { Tables } from "./tables.js";

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const cannot = (path: string) => refused(`This property cannot be expanded (${path}).`, { param: "expand" });

/** Returns copies of objects whose `expand[]` paths hold objects instead of ids. */
export function createExpander(kinds: readonly Kind[], tables: Tables) {
  // Ids that an account chose, as for products, have no prefix: the field's name tells their type.
  const byName = new Map(kinds.map(({ type }) => [type as string, type]));
  const includes = new Map<unknown, Kind["include"]>(kinds.map(({ type, include }) => [type, include]));

  function one(parent: Fields, field: string, path: string, store: Store): unknown {
    const value = parent[field];
    const include = includes.get(parent.object)?.[field];
    if (include && value === undefined) return include(parent as never, store);
    if (typeof value === "string" && field !== "id") {
      const type = tables.typeOf(value) ?? byName.get(field);
      const found = type && (store.find(type, value) ?? store.in(undefined).find(type, value));
      if (!found) throw cannot(path);
      return found;
    }
    if (value === undefined) throw cannot(path);
    return value;
  }

  function walk(node: unknown, [field, ...rest]: readonly string[], path: string, store: Store): unknown {
    if (Array.isArray(node)) return node.map((element) => walk(element, field ? [field, ...rest] : [], path, store));
    if (field === undefined || node === null) return node;
    if (!isFields(node)) throw cannot(path);
    const value = one(node, field, path, store);
    if (rest.length === 0 && value === node[field] && value !== null && !isFields(value) && !Array.isArray(value))
      throw cannot(path);
    return { ...node, [field]: walk(value, rest, path, store) };
  }

  /** @throws Failure for an unknown path, or one deeper than four levels */
  return function expand(object: object, paths: readonly string[], store: Store): object {
    let result: unknown = object;
    for (const path of paths) {
      const parts = path.split(".");
      if (parts.length > 4) throw refused("You cannot expand more than 4 levels of a property.", { param: "expand" });
      result = walk(result, parts, path, store);
    }
    return result as object;
  };
}
