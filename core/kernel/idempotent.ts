import { AfterCommit } from "./after-commit.js";
import { db, read, rollbackEffect, transact } from "./db.js";
import { Failure } from "./error.js";
import { type Claim, IN_PROGRESS, Replay, releaseClaim, type StoredAnswer, storeQueries } from "./idempotency.js";

/**
 * Runs a write once per idempotency key: the answer of `run` is stored in the transaction of its effect. A refusal by a
 * business rule (`conflict`) is an answer like any other: its effect is rolled back to the savepoint, its record stays.
 * A write that calls a provider returns `AfterCommit`: its record is committed as in progress, with the intent, and
 * completed with the result.
 * @param refuse makes the answer of a refusal
 * @param store makes the stored form of an answer: the answer itself, or encrypted
 */
export async function runIdempotent(
  claim: Claim,
  run: () => Promise<StoredAnswer | AfterCommit<StoredAnswer>>,
  refuse: (refusal: Failure) => StoredAnswer,
  store: (answer: StoredAnswer) => StoredAnswer = (answer) => answer,
): Promise<{ answer: StoredAnswer; replayed: boolean }> {
  const keepAnswer = (answer: StoredAnswer): StoredAnswer => {
    claim.answer = store(answer);
    return answer;
  };
  try {
    const made = await transact(claim, async () => {
      try {
        const answer = await run();
        if (!(answer instanceof AfterCommit)) return keepAnswer(answer);
        claim.answer = IN_PROGRESS;
        return answer;
      } catch (error) {
        if (!isRefusal(error)) throw error;
        await rollbackEffect();
        claim.answer = refuse(error);
        return claim.answer;
      }
    });
    const answer = made instanceof AfterCommit ? await completeAnswer(claim, made, keepAnswer, refuse) : made;
    return { answer, replayed: false };
  } catch (error) {
    if (error instanceof Replay) return { answer: error.answer, replayed: true };
    throw error;
  }
}

const isRefusal = (error: unknown): error is Failure => error instanceof Failure && error.kind === "conflict";

/** Runs the rest of the request and completes its record; after a fault the same key can be used at once. */
async function completeAnswer(
  claim: Claim,
  made: AfterCommit<StoredAnswer>,
  kept: (answer: StoredAnswer) => StoredAnswer,
  refuse: (refusal: Failure) => StoredAnswer,
): Promise<StoredAnswer> {
  let answer: StoredAnswer;
  try {
    answer = kept(await made.run());
  } catch (error) {
    if (!isRefusal(error)) {
      // When the release fails, too, the retry waits for the end of the lease.
      await db((tx) => releaseClaim(tx, claim)).catch(() => undefined);
      throw error;
    }
    answer = refuse(error);
    claim.answer = answer;
  }
  await read((q) => storeQueries(q, claim)); // one message is one transaction, and may be repeated
  return answer;
}
