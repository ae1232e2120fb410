import { type SQL, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import { type Failure, notFound, stale } from "./error.js";

/** The next version of a row, as each UPDATE of it writes; the ETag of the resource begins with it. */
export const bump = ({ version }: { version: PgColumn }): SQL => sql`${version} + 1`;

/** The refusal of a write whose caller has read an older version. */
export const staleVersion = (what: string, currentVersion: number): Failure =>
  stale(
    "version_stale",
    `The ${what} has changed since you read it. Get the ${what} and retry with its current version.`,
    { data: { currentVersion } },
  );

/** @throws Failure stale when the caller has read another version; without one there is nothing to compare */
export function requireVersion(what: string, row: { version: number }, expected: number | undefined): void {
  if (expected !== undefined && expected !== row.version) throw staleVersion(what, row.version);
}

/** The refusal of a conditional write that changed no row: the version is no longer current, or the row is not there. */
export const staleOrMissing = (what: string, current: { version: number } | undefined): Failure =>
  current ? staleVersion(what, current.version) : notFound(what);
