import { invalidField } from "../kernel/error.js";

/**
 * Guesses that a password must outlast, by zxcvbn's estimate: its line to "safely unguessable", which eight random
 * characters just reach. At the 100 guesses an hour that one account allows (policies in rate/), it takes a century.
 */
const MIN_GUESSES = 1e8;

/**
 * Characters that are rated, of the 128 allowed. The slowest 48 take 50 ms of a core, 128 take 240 ms, 1,000 take 5 s.
 */
const RATED_LENGTH = 48;

/** The weakness of a password, by the key of zxcvbn's warning. */
const REASONS: Record<string, string> = {
  straightRow: "a row of the keyboard",
  keyPattern: "a pattern on the keyboard",
  simpleRepeat: "a repeated character",
  extendedRepeat: "a repeated pattern",
  sequences: "a sequence",
  recentYears: "a year",
  dates: "a date",
  topTen: "one of the most common passwords",
  topHundred: "one of the most common passwords",
  common: "a common password",
  similarToCommon: "close to a common password",
  userInputs: "the email address or a name given with it",
};

/** Made by the first request that sets a password: the word lists take 100 ms and 20 MB. */
let rater: ReturnType<typeof loadRater> | undefined;

async function loadRater() {
  const [{ ZxcvbnFactory }, { adjacencyGraphs, dictionary }] = await Promise.all([
    import("@zxcvbn-ts/core"),
    import("@zxcvbn-ts/language-common"),
  ]);
  return new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs, maxLength: RATED_LENGTH });
}

/**
 * Refuses a password that is guessed early: common ones and their respellings, keyboard patterns, dates, repetitions,
 * and texts that name its owner. Such a text inside of a password that is strong by its rest is no fault (NIST SP
 * 800-63B-4 §3.1.1.2 compares whole passwords only).
 * @param about email address and name of the owner, name and slug of the tenant
 * @throws Failure invalid
 */
export async function refuseGuessable(password: string, about: readonly string[]): Promise<void> {
  rater ??= loadRater();
  const { guesses, feedback } = (await rater).check(password, about.flatMap(wordsOf));
  if (guesses >= MIN_GUESSES) return;
  const reason = REASONS[feedback.warning ?? ""];
  const detail = `is easy to guess${reason ? ` (${reason})` : ""}; add words that are less common`;
  throw invalidField("/password", detail);
}

/** `Ada Lovelace` is written `adalovelace`, `Ada` and `Lovelace` as well. */
function wordsOf(text: string): string[] {
  const parts = text.split(/[^\p{L}\p{N}]+/u);
  return [text, parts.join(""), ...parts].filter((word) => word.length >= 3);
}
