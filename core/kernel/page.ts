import * as z from "zod";
import { tenantId } from "./actor.js";
import { isSignatureOf, signText } from "./data-key.js";
import { malformed } from "./error.js";

/** The query of a list: `limit` 1…100 (20), `cursor` from the page before, and filters from an allow-list. */
export const pageQuery = <Filters extends z.ZodRawShape>(filters: Filters) =>
  z.strictObject({
    limit: z.coerce
      .number()
      .int()
      .min(1)
      .max(100)
      .default(20)
      .describe("The number of rows in a page. A page of large rows has fewer, because it ends at 1 MB"),
    cursor: z.string().max(1000).optional().describe("The `nextCursor` of the page before. Default: the first page"),
    ...filters,
  });

/** The answer of a list: a page, and the cursor of the next one, null on the last page. */
export const listOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ data: z.array(item), nextCursor: z.string().nullable() });

/** Bytes of a page: one with large rows ends before its limit. Lambda sends no answer of more than 6 MB. */
export const PAGE_BYTES = 1_000_000;

/** The cursor behind so many rows of a page, by its data. */
const cursors = new WeakMap<object, (count: number) => string | null>();

/** The JSON of an answer; a page that is too large keeps the rows that fit, at least one, and has the cursor behind them. */
export function toJson(answer: unknown): string {
  const json = JSON.stringify(answer);
  // A character has at most three bytes of UTF-8.
  if (json.length * 3 <= PAGE_BYTES || Buffer.byteLength(json) <= PAGE_BYTES) return json;
  const data: unknown = (answer as { data?: unknown }).data;
  const cursorAfter = Array.isArray(data) ? cursors.get(data) : undefined;
  if (!Array.isArray(data) || !cursorAfter) return json;
  let left = PAGE_BYTES;
  const fitting = data.findIndex((item) => {
    left -= Buffer.byteLength(JSON.stringify(item));
    return left < 0;
  });
  const count = Math.max(1, fitting);
  return JSON.stringify({ ...(answer as object), data: data.slice(0, count), nextCursor: cursorAfter(count) });
}

/** What a cursor's signature covers, so that one of another list, filter or tenant is refused instead of believed. */
const signedText = (scope: string, payload: string) => JSON.stringify(["cursor", tenantId(), scope, payload]);

type Key = Record<string, string>;

/**
 * Reads the cursor of a page, and makes the page with the cursor of the next one.
 * @param list name of the list; with the filters it binds the cursor
 * @throws Failure malformed for a cursor that this list did not give out
 */
export function paginate(list: string, cursor: string | undefined, filters: Record<string, unknown> = {}) {
  const scope = `${list} ${JSON.stringify(filters)}`;
  return {
    /** The key of the last row of the page before. */
    after: (cursor ? decodeCursor(scope, cursor) : {}) as Partial<Key>,
    /** @param rows one more than `limit`, when there is a next page */
    page<Row, Item = Row>(rows: readonly Row[], limit: number, key: (last: Row) => Key, item?: (row: Row) => Item) {
      const shown = rows.slice(0, limit);
      const data = (item ? shown.map(item) : shown) as Item[];
      const cursorAfter = (count: number) => {
        const last = rows[count - 1];
        if (last === undefined || count === rows.length) return null;
        const payload = Buffer.from(JSON.stringify(key(last))).toString("base64url");
        return `${payload}.${signText("cursor", signedText(scope, payload))}`;
      };
      cursors.set(data, cursorAfter);
      return { data, nextCursor: cursorAfter(data.length) };
    },
  };
}

function decodeCursor(scope: string, cursor: string): Partial<Key> {
  const [, payload = "", signature = ""] = /^([\w-]+)\.((?:[\w-]+\.)?[\w-]+)$/.exec(cursor) ?? [];
  if (!isSignatureOf("cursor", signedText(scope, payload), signature)) {
    throw malformed(
      "cursor_invalid",
      "The cursor was not issued for this list and these filters. Start again without one.",
      {
        errors: [{ pointer: "cursor", detail: "is not a cursor of this list" }],
      },
    );
  }
  return JSON.parse(Buffer.from(payload, "base64url").toString()) as Key;
}
