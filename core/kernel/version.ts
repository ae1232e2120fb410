import { type Failure, notFound, stale } from "./error.js";

/** The failure of a write that found no row: the version is no longer current, or the object does not exist. */
export function missed(what: string, current: { version: number } | undefined): Failure {
  if (!current) return notFound(what);
  const data = { currentVersion: current.version };
  return stale(
    "version_stale",
    `The ${what} has changed since you read it. Get it and retry with its current version.`,
    { data },
  );
}
