import pLimit from "p-limit";
import * as z from "zod";
import { Failure } from "../kernel/error.js";

/**
 * OWASP's minimum for argon2id: 19 MiB, two passes, one lane. `2` is Argon2id (a const enum, which has no value here).
 */
const PARAMETERS = { algorithm: 2 as never, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/**
 * The hash of an unknown password, with the same parameters: the check takes as long for an unknown member as for a
 * known one.
 */
const DUMMY_HASH = "$argon2id$v=19$m=19456,t=2,p=1$Eo/MJB5q34oZEG/r9qZXCw$/vQm+rZyGGncGNa7ma7wlo0lAlL1SBYVuyhORXlN4YY";

/** Two hashes at once in one process: each takes 19 MiB and a core. */
const limit = pLimit(2);
/** Hashes that wait for their turn; a caller beyond them is told to come back. */
const MAX_WAITING = 16;

/** @throws Failure unavailable when too many wait */
function hashInTurn<Result>(run: () => Promise<Result>): Promise<Result> {
  if (limit.pendingCount < MAX_WAITING) return limit(run);
  throw new Failure(
    "unavailable",
    "password_busy",
    "Too many passwords are checked at this moment. Retry after `Retry-After` seconds.",
    { retryAfter: 1 },
  );
}

const MAX_LENGTH = 128;
const isShort = (text: string) => [...text].length <= MAX_LENGTH;
const tooLong = `must have at most ${MAX_LENGTH} characters`;

/**
 * A password is strong by its length, not by its composition (NIST SP 800-63B, OWASP ASVS 6.2). A composed character may
 * be written as four, and a ligature stands for up to 18: both lengths are bounded, the written one first, so that no
 * later step works on more than that.
 */
export const Password = z
  .string()
  .min(8, "must have at least 8 characters")
  .max(4 * MAX_LENGTH, { error: tooLong, abort: true })
  .transform((text) => text.normalize("NFKC"))
  .refine(isShort, { error: tooLong, abort: true })
  .refine((text) => [...text].length >= 8, "must have at least 8 characters")
  .describe("At least 8 characters that are hard to guess: some words that do not belong together");

/**
 * A password at a login. Its rules are looser than those of a new one, so that every password that was once accepted
 * fits.
 */
export const TriedPassword = z.string().min(1).max(1024).describe("The present password");

/** An argon2id hash as a PHC string. Slow on purpose: never inside a transaction. */
export async function hashPassword(password: string): Promise<string> {
  const { hash } = await import("@node-rs/argon2");
  return hashInTurn(() => hash(password.normalize("NFKC"), PARAMETERS));
}

/** Whether the password fits the hash; the check takes as long without a hash, for an unknown member. */
export async function verifyPassword(hash: string | undefined, password: string): Promise<boolean> {
  const { verify } = await import("@node-rs/argon2");
  const fits = await hashInTurn(() => verify(hash ?? DUMMY_HASH, password.normalize("NFKC")));
  return fits && hash !== undefined;
}
