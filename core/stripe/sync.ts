/** How often another transaction may write the row first before the job fails and is retried. */
const ROUNDS = 5;

interface Sync<Known, Fetched, Result> {
  /** What is synced, for the error: `dispute du_1`. */
  name: string;
  /** Reads our row with its version; a `result` ends the sync without a call. */
  load(): Promise<{ known: Known } | { result: Result }>;
  /** Asks the provider, outside of any transaction. */
  fetch(known: Known): Promise<Fetched>;
  /** Writes the provider's state if the row still has the version that was read; undefined when it has another one. */
  write(known: Known, fetched: Fetched): Promise<{ result: Result } | undefined>;
}

/**
 * Copies a provider's present state into our row. The version is read before the provider is asked and compared when the
 * answer is written, so that an older answer never overwrites a newer one: the number and the order of events do not
 * matter, as long as one sync follows the last change.
 * @throws OutcomeUnknown when the provider does not answer, Error when the row changed during every round
 */
export async function syncFromProvider<Known, Fetched, Result>({
  name,
  load,
  fetch,
  write,
}: Sync<Known, Fetched, Result>): Promise<Result> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const loaded = await load();
    if ("result" in loaded) return loaded.result;
    const written = await write(loaded.known, await fetch(loaded.known));
    if (written) return written.result;
  }
  throw new Error(`The ${name} changed during every attempt to read it.`);
}
