import type { Reader } from "../../drizzle/reader.js";
import { Later } from "./after-commit.js";
import { db, transact, undoEffect, verify } from "./db.js";
import { Failure } from "./error.js";
import { type Claim, forgotten, Replay, recording, STARTED, type StoredAnswer } from "./idempotency.js";

/**
 * Runs a write once per idempotency key: `run` answers what is stored in the transaction of its effect. A refusal that
 * business decided is an answer like any other: its effect goes back to the savepoint, its record stays. What calls a
 * provider answers `Later`: its record is committed as started, with the intent, and completed with the result.
 * @param refuse the answer to a refusal
 * @param store what is kept of an answer: itself, or encrypted
 */
export async function once(
  claim: Claim,
  run: () => Promise<StoredAnswer | Later<StoredAnswer>>,
  refuse: (refusal: Failure) => StoredAnswer,
  store: (answer: StoredAnswer) => StoredAnswer = (answer) => answer,
): Promise<{ answer: StoredAnswer; replayed: boolean }> {
  await verify();
  const kept = (answer: StoredAnswer): StoredAnswer => {
    claim.answer = store(answer);
    return answer;
  };
  try {
    const made = await transact(claim, async (tx) => {
      try {
        const answer = await run();
        if (!(answer instanceof Later)) return kept(answer);
        claim.answer = STARTED;
        return answer;
      } catch (error) {
        if (!isRefusal(error)) throw error;
        await undoEffect(tx);
        claim.answer = refuse(error);
        return claim.answer;
      }
    });
    const answer = made instanceof Later ? await complete(claim, made, kept, refuse) : made;
    return { answer, replayed: false };
  } catch (error) {
    if (error instanceof Replay) return { answer: error.answer, replayed: true };
    throw error;
  }
}

const isRefusal = (error: unknown): error is Failure => error instanceof Failure && error.kind === "conflict";

/** Finishes what was put off, and completes its record; after a fault the same key may be used at once. */
async function complete(
  claim: Claim,
  made: Later<StoredAnswer>,
  kept: (answer: StoredAnswer) => StoredAnswer,
  refuse: (refusal: Failure) => StoredAnswer,
): Promise<StoredAnswer> {
  let answer: StoredAnswer;
  try {
    answer = kept(await made.finish());
  } catch (error) {
    if (!isRefusal(error)) {
      await db((tx) => tx.execute(forgotten(tx as unknown as Reader, claim))).catch(() => undefined); // its lease ends
      throw error;
    }
    answer = refuse(error);
    claim.answer = answer;
  }
  await db(async (tx) => {
    for (const statement of recording(tx as unknown as Reader, claim)) await tx.execute(statement);
  });
  return answer;
}
