import { and, eq } from "drizzle-orm";
import * as z from "zod";
import { db, read, verifyCredential } from "../kernel/db.js";
import { forbidden, invalidField, unauthenticated } from "../kernel/error.js";
import { emit } from "../kernel/event/index.js";
import { fn } from "../kernel/fn.js";
import { enqueue } from "../kernel/job/index.js";
import { bump } from "../kernel/version.js";
import { type FixedBucket, mostLimited, refuseLimited, statesOf, takeTokens } from "../rate/index.js";
import { memberTable } from "./identity.sql.js";
import { MemberPasswordChanged, mirrorMembersJob } from "./member.js";
import { hashPassword, Password, TriedPassword, verifyPassword } from "./password.js";
import { refuseGuessable } from "./password-strength.js";
import { callingMember } from "./session.js";
import { endSessions } from "./session-end.js";

const PasswordChange = z.strictObject({ currentPassword: TriedPassword, password: Password });

/**
 * Changes the caller's password and ends all their sessions but the one that asks. The limits of a login
 * apply, so that a stolen access token does not allow more guesses of the current password.
 * @throws Failure forbidden for a wrong current password, limited, or unauthenticated when the session has ended
 */
export const changePassword = fn(PasswordChange, async ({ currentPassword, password }) => {
  await verifyCredential();
  const { memberId, sessionId } = callingMember();
  const guesses: FixedBucket[] = [{ policy: "login-pair", key: `password/${memberId}` }];
  const member = await takeGuess(memberId, guesses);
  if (!(await verifyPassword(member?.passwordHash, currentPassword)) || !member)
    throw forbidden("password_wrong", "The current password is wrong.");
  if (currentPassword.normalize("NFKC") === password)
    throw invalidField("/password", "must differ from the current password");
  await refuseGuessable(password, [member.email, member.name]);
  const passwordHash = await hashPassword(password);
  await db(async (tx) => {
    const before = and(eq(memberTable.id, memberId), eq(memberTable.passwordHash, member.passwordHash));
    const [changed] = await tx
      .update(memberTable)
      .set({ passwordHash, version: bump(memberTable) })
      .where(and(before, eq(memberTable.status, "active")))
      .returning({ id: memberTable.id });
    if (!changed) throw unauthenticated("credential_invalid", "The member or the password has changed meanwhile.");
    await Promise.all([endSessions(tx, memberId, "password", sessionId), takeTokens(tx, guesses, undefined, -1)]);
    emit(MemberPasswordChanged, { memberId });
    enqueue(mirrorMembersJob, {});
  });
});

/** @throws Failure limited when no guess is left */
async function takeGuess(memberId: string, guesses: FixedBucket[]) {
  const { email, name, passwordHash } = memberTable;
  const [members, states] = await read(
    (q) =>
      [
        q.select({ email, name, passwordHash }).from(memberTable).where(eq(memberTable.id, memberId)),
        takeTokens(q, guesses),
      ] as const,
  );
  refuseLimited(mostLimited(statesOf(states)));
  return members[0];
}
