import * as z from "zod";
import { invalid } from "../kernel/error.js";
import { isCommon } from "./common-password.js";

/** OWASP's minimum for argon2id: 19 MiB, two passes, one lane. `2` is Argon2id (a const enum, which has no value here). */
const PARAMETERS = { algorithm: 2 as never, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** A hash of nothing that anybody knows, with the same parameters: who is not there costs as much as who is. */
const NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$Eo/MJB5q34oZEG/r9qZXCw$/vQm+rZyGGncGNa7ma7wlo0lAlL1SBYVuyhORXlN4YY";

/** Hashes at once in one process: each takes 19 MiB and a core. */
const SLOTS = 2;

/** A password is strong by its length, not by its composition (NIST SP 800-63B, OWASP ASVS 6.2). */
export const Password = z
  .string()
  .min(8, "must have at least 8 characters")
  .max(1024)
  .transform((text) => text.normalize("NFKC"))
  .refine((text) => [...text].length >= 8, "must have at least 8 characters")
  .refine((text) => [...text].length <= 128, "must have at most 128 characters")
  .refine((text) => !isCommon(text), "is one of the most common passwords");

/** A password that is tried; whatever was accepted once fits. */
export const TriedPassword = z.string().min(1).max(1024);

/**
 * Refuses a password made of what everybody knows of its owner.
 * @param words the local part of the email, the tenant's slug
 * @throws Failure invalid
 */
export function refuseGuessable(password: string, words: readonly string[]): void {
  const lower = password.toLowerCase();
  const guessed = words.some((word) => {
    const known = word.toLowerCase();
    return lower === known || (known.length >= 4 && lower.includes(known));
  });
  if (!guessed) return;
  const detail = "must not contain the email address or the name of the tenant";
  throw invalid("invalid_request", "The request does not match its schema; see `errors`.", {
    errors: [{ pointer: "/password", detail }],
  });
}

/** An argon2id hash as a PHC string. Slow on purpose: never inside a transaction. */
export async function hashPassword(password: string): Promise<string> {
  const { hash } = await import("@node-rs/argon2");
  return limited(() => hash(password.normalize("NFKC"), PARAMETERS));
}

/** Whether the password fits; takes as long for a member who is not there. */
export async function verifyPassword(hash: string | undefined, password: string): Promise<boolean> {
  const { verify } = await import("@node-rs/argon2");
  const fits = await limited(() => verify(hash ?? NOBODY, password.normalize("NFKC")));
  return fits && hash !== undefined;
}

let busy = 0;
const waiting: (() => void)[] = [];

async function limited<T>(run: () => Promise<T>): Promise<T> {
  if (busy >= SLOTS) await new Promise<void>((resume) => waiting.push(resume));
  else busy += 1;
  try {
    return await run();
  } finally {
    const next = waiting.shift(); // hands its slot on
    if (next) next();
    else busy -= 1;
  }
}
