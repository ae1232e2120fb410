import { and, eq, isNull, lt, or, sql } from "drizzle-orm";
import type { Reader, Unexecuted } from "../../drizzle/reader.js";
import { apiKeyTable } from "./identity.sql.js";
import { isUsable } from "./validity.js";

/** The instants (milliseconds) at which this process last wrote the use of a key, by its hash. */
const recordedAt = new Map<string, number>();
const MINUTE = 60_000;
/** Milliseconds for which a use that is due waits for a request that writes in any case. */
const DELAY = 5_000;

/** Whether a use of the key is to be written: once a minute, and with other writes if there are some soon. */
export const isUseDue = (hash: string, writes: boolean): boolean =>
  Date.now() - (recordedAt.get(hash) ?? 0) >= (writes ? MINUTE : MINUTE + DELAY);

/** Remembers that a use was written. */
export function markUse(hash: string): void {
  if (recordedAt.size > 1_000) recordedAt.clear();
  recordedAt.set(hash, Date.now());
}

/** Writes the use of a key. A row that another request has locked is skipped, because that request writes the same. */
export function recordKeyUse(q: Reader, hash: string): Unexecuted {
  const minuteAgo = or(isNull(apiKeyTable.lastUsedAt), lt(apiKeyTable.lastUsedAt, sql`now() - interval '1 minute'`));
  const free = q
    .select({ id: apiKeyTable.id })
    .from(apiKeyTable)
    .where(and(eq(apiKeyTable.hash, hash), isUsable, minuteAgo))
    .for("no key update", { skipLocked: true });
  return q
    .with() // a Reader writes nothing but this and the tokens
    .update(apiKeyTable)
    .set({ lastUsedAt: sql`now()` as never, updatedAt: sql`${apiKeyTable.updatedAt}` as never })
    .where(sql`${apiKeyTable.id} in ${free}`);
}
