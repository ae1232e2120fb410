import { and, asc, desc, gt, lt, type SQL } from "drizzle-orm";
import type { PgColumn, PgSelect } from "drizzle-orm/pg-core";
import type { Reader } from "../../drizzle/reader.js";
import { read } from "./db.js";
import { paginate } from "./page.js";

interface ListSpec {
  /** The name of the list; with the filters it binds the cursor. */
  name: string;
  /** The key by which the list is ordered: ids are in the order of their creation. */
  id: PgColumn;
  /** `desc` begins with the newest row. */
  order: "asc" | "desc";
  /** The condition of the filters. */
  where?: SQL | undefined;
}

interface PageInput {
  limit: number;
  cursor?: string | undefined;
  /** The filters, which a cursor is bound to. */
  [filter: string]: unknown;
}

/**
 * Reads one page of a list that is ordered by id, in one round trip.
 * @param select builds the query without its condition, order and limit; it ends with `$dynamic()`
 * @param show makes the API's object of a row
 * @throws Failure malformed for a cursor of another list, filter or tenant
 */
export async function listById<Query extends PgSelect, Item = Query["_"]["result"][number]>(
  { name, id, order, where }: ListSpec,
  { limit, cursor, ...filters }: PageInput,
  select: (q: Reader) => Query,
  show?: (row: Query["_"]["result"][number]) => Item,
): Promise<{ data: Item[]; nextCursor: string | null }> {
  const { after, page } = paginate(name, cursor, filters);
  const [isPast, sort] = order === "asc" ? [gt, asc] : [lt, desc];
  const rows = (await read((q) =>
    select(q)
      .where(and(where, after.id ? isPast(id, after.id) : undefined))
      .orderBy(sort(id))
      .limit(limit + 1),
  )) as Query["_"]["result"];
  return page<Query["_"]["result"][number], Item>(rows, limit, (row) => ({ id: (row as { id: string }).id }), show);
}
