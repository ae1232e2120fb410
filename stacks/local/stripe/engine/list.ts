import type Stripe from "stripe";
import type { ListParams, Objects, Range, Type, Where } from "./engine.js";
import { refused } from "./failure.js";
import type { Table, Tables } from "./tables.js";

const inRange = (created: number, { gt, gte, lt, lte }: Range) =>
  (gt === undefined || created > gt) &&
  (gte === undefined || created >= gte) &&
  (lt === undefined || created < lt) &&
  (lte === undefined || created <= lte);

/** Candidate ids, oldest first: those of the first indexed equality, or all. */
function candidates<O>(table: Table<O>, where: Where<O>): readonly (string | undefined)[] {
  for (const [field, value] of Object.entries(where)) {
    if (typeof value !== "string") continue;
    const index = table.index.get(field);
    if (index) return [...(index.get(value) ?? [])];
  }
  return table.order;
}

function matcher<O extends object>(where: Where<O>, created: ListParams["created"]) {
  const range = typeof created === "number" ? { gte: created, lte: created } : (created ?? {});
  const tests = Object.entries(where).filter(([, value]) => value !== undefined);
  return (object: O) =>
    inRange("created" in object ? Number(object.created) : 0, range) &&
    tests.every(([field, value]) =>
      typeof value === "function" ? value(object) : (object as Record<string, unknown>)[field] === value,
    );
}

/** The cursor's index among the candidates. */
function positionOf<O>(table: Table<O>, ids: readonly (string | undefined)[], type: string, id: string, param: string) {
  const place = ids === table.order ? table.byId.get(id)?.place : ids.indexOf(id);
  if (place === undefined || place < 0) throw refused(`No such ${type}: '${id}'`, { code: "resource_missing", param });
  return place;
}

function collect<O>(table: Table<O>, ids: readonly (string | undefined)[], fits: (object: O) => boolean) {
  return (from: number, step: 1 | -1, limit: number): O[] => {
    const found: O[] = [];
    for (let at = from; at >= 0 && at < ids.length && found.length < limit; at += step) {
      const object = table.byId.get(ids[at] ?? "")?.object;
      if (object !== undefined && fits(object)) found.push(object);
    }
    return found;
  };
}

/** A page, newest first; `ending_before` returns the page before the cursor. */
export function pageOf<T extends Type>(
  tables: Tables,
  account: string | undefined,
  type: T,
  { limit = 10, starting_after, ending_before, created }: ListParams,
  where: Where<Objects[T]> = {},
): Stripe.ApiList<Objects[T]> {
  const table = tables.table(account, type);
  const ids = candidates(table, where);
  const take = collect(table, ids, matcher(where, created));
  const url = `/v1/${type.replace(".", "/")}s`;
  if (starting_after !== undefined && ending_before !== undefined)
    throw refused("You cannot specify both `starting_after` and `ending_before`.", { param: "ending_before" });
  if (ending_before !== undefined) {
    const found = take(positionOf(table, ids, type, ending_before, "ending_before") + 1, 1, limit + 1);
    return { object: "list", data: found.slice(0, limit).toReversed(), has_more: found.length > limit, url };
  }
  const from =
    starting_after === undefined ? ids.length : positionOf(table, ids, type, starting_after, "starting_after");
  const found = take(from - 1, -1, limit + 1);
  return { object: "list", data: found.slice(0, limit), has_more: found.length > limit, url };
}
