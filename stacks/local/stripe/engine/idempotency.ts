import type { Clock } from "../../lambda/clock.js";
import { Failure, refused } from "./failure.js";

/** The result of an idempotency key, kept for 24 hours. */
export interface Remembered {
  /** Method, path and parameters. */
  readonly endpoint: string;
  readonly fingerprint: string;
  readonly request: string;
  readonly status: number;
  readonly body: string;
  /** Unix milliseconds of the local clock. */
  readonly at: number;
}

type Entry = Remembered | { readonly endpoint: string; readonly fingerprint: string; readonly running: true };

const day = 86_400_000;

const idempotencyError = (message: string) => new Failure(400, { type: "idempotency_error", message });

function compare(entry: Entry, endpoint: string, fingerprint: string, key: string) {
  if (entry.endpoint !== endpoint)
    throw idempotencyError(
      `Keys for idempotent requests can only be used for the same endpoint they were first used for ('${entry.endpoint}' vs '${endpoint}'). Try using a key other than '${key}' if you meant to execute a different request.`,
    );
  if (entry.fingerprint !== fingerprint)
    throw idempotencyError(
      `Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '${key}' if you meant to execute a different request.`,
    );
}

/**
 * Stripe's rules for `Idempotency-Key`: one request runs, others with its key and parameters get its answer.
 * @see https://docs.stripe.com/api/idempotent_requests
 */
export function createIdempotency(clock: Clock) {
  const entries = new Map<string, Entry>();
  const stale = (entry: Entry) => "at" in entry && clock.now() - entry.at >= day;

  return {
    /**
     * Claims the key for a run, or returns its stored result.
     * @throws Failure idempotency_error for other parameters, 409 while the first request runs
     */
    claim(scope: string, key: string, endpoint: string, fingerprint: string): Remembered | undefined {
      const name = `${scope} ${key}`;
      const entry = entries.get(name);
      if (!entry || stale(entry)) {
        entries.set(name, { endpoint, fingerprint, running: true });
        return undefined;
      }
      compare(entry, endpoint, fingerprint, key);
      if ("at" in entry) return entry;
      throw new Failure(409, {
        type: "idempotency_error",
        code: "idempotency_key_in_use",
        message: `There is currently another in-progress request using this Stripe-Idempotent-Key (that probably means you submitted twice, and the other request is still going through): ${key}. Original-Request header unavailable.`,
      });
    },
    /** Releases the key of a request that did not run. */
    release: (scope: string, key: string) => void entries.delete(`${scope} ${key}`),
    keep(name: string, remembered: Remembered) {
      entries.delete(name);
      entries.set(name, remembered);
      // Entries are ordered by time, so expired ones are the first.
      for (const [oldest, entry] of entries) {
        if (!stale(entry)) break;
        entries.delete(oldest);
      }
    },
    entries: () => entries,
  };
}
export type Idempotency = ReturnType<typeof createIdempotency>;

/** @throws Failure for a key above 255 characters */
export function checkKey(key: string) {
  if (key.length > 255)
    throw refused(`Idempotency key is too long: it can have up to 255 characters, yours has ${key.length}.`);
}
