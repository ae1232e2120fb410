import { and, desc, eq } from "drizzle-orm";
import * as z from "zod";
import { actor } from "../kernel/actor.js";
import { db, read, verifyCredential } from "../kernel/db.js";
import { notFound } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { MemberId, memberTable, SessionId, sessionTable } from "./identity.sql.js";
import { lockMember } from "./member.js";
import { requireHeldRights } from "./rights.js";
import { callingMember } from "./session.js";
import { endSession, endSessions } from "./session-end.js";
import { isActiveSession } from "./validity.js";

const SessionSummary = z
  .object({
    id: SessionId,
    createdAt: z.string(),
    refreshedAt: z.string().meta({ description: "When its tokens were last issued" }),
    expiresAt: z.string().meta({ description: "Its end, unless it is refreshed before" }),
    endsAt: z.string().meta({ description: "Its end, however often it is refreshed" }),
    current: z.boolean().meta({ description: "Whether this request belongs to it" }),
  })
  .meta({ id: "SessionSummary" });
/** All active sessions of a member, of whom there are MOST_SESSIONS. */
export const SessionList = z.object({ data: z.array(SessionSummary) });

/** Lists the active sessions of a member, the newest first. @throws Failure not_found */
export const listOfMember = fn(MemberId, async (memberId) => {
  const [[member], sessions] = await read((q) => {
    const { id, createdAt, updatedAt: refreshedAt, expiresAt, endsAt } = sessionTable;
    return [
      q
        .select({ id: memberTable.id })
        .from(memberTable)
        .where(and(eq(memberTable.id, memberId), eq(memberTable.status, "active"))),
      q
        .select({ id, createdAt, refreshedAt, expiresAt, endsAt })
        .from(sessionTable)
        .innerJoin(memberTable, eq(memberTable.id, sessionTable.memberId))
        .where(and(eq(sessionTable.memberId, memberId), isActiveSession))
        .orderBy(desc(id)),
    ] as const;
  });
  if (!member) throw notFound("member");
  const caller = actor();
  const current = caller.type === "member" ? caller.sessionId : undefined;
  return { data: sessions.map((session) => ({ ...session, current: session.id === current })) };
});

/** Lists the caller's own sessions. */
export const list = fn(z.void(), async () => {
  await verifyCredential();
  return listOfMember(callingMember().memberId);
});

/** Ends one of the caller's sessions at once. @throws Failure not_found when it has ended or belongs to another member */
export const end = fn(SessionId, (sessionId) =>
  db(async (tx) => {
    const { memberId } = callingMember();
    const ended = await endSession(tx, sessionId, "ended", memberId);
    if (ended.length === 0) throw notFound("session");
  }),
);

/** Ends all of the caller's sessions but the one that asks. */
export const endOthers = fn(z.void(), () =>
  db(async (tx) => {
    const { memberId, sessionId } = callingMember();
    await endSessions(tx, memberId, "ended", sessionId);
  }),
);

/** Ends all sessions of a member. @throws Failure not_found, or forbidden for a member with more rights */
export const endOfMember = fn(MemberId, (memberId) =>
  db(async (tx) => {
    const { member, rights } = await lockMember(tx, memberId);
    requireHeldRights(rights, member.role);
    await endSessions(tx, memberId, "ended");
  }),
);
