import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "../kernel/error.js";

/** How often another transaction may write the row first. Of several syncs that begin at once, one succeeds in each round. */
const ROUNDS = 8;
/** The longest pause before a round, so that those who lost do not ask at the same moment again. Milliseconds. */
const LONGEST_PAUSE = 400;

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
 * @throws OutcomeUnknown when the provider does not answer, Failure unavailable when the row changed during every round
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
    await sleep(Math.random() * Math.min(LONGEST_PAUSE, 25 * 2 ** round));
  }
  throw new Failure(
    "unavailable",
    "provider_state_busy",
    `The ${name} changed during every attempt to read it. Retry after \`Retry-After\` seconds.`,
    { retryAfter: 2 },
  );
}
