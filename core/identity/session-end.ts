import { and, eq, gt, isNull, ne, type SQL, sql } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { type sessionEnds, sessionTable } from "./identity.sql.js";

type SessionEnd = (typeof sessionEnds)[number];

/**
 * Ends sessions at once: their access tokens are refused from the next request on. The query is sent where it is awaited,
 * after those that are awaited before it.
 */
const endWhere = (tx: Tx, reason: SessionEnd, where: SQL | undefined) =>
  tx
    .update(sessionTable)
    .set({ revokedAt: sql`now()` as never, revokedFor: reason })
    .where(and(isNull(sessionTable.revokedAt), where))
    .returning({ id: sessionTable.id });

/** @param memberId whose session it must be */
export const endSession = (tx: Tx, sessionId: string, reason: SessionEnd, memberId?: string) =>
  endWhere(
    tx,
    reason,
    and(eq(sessionTable.id, sessionId), memberId === undefined ? undefined : eq(sessionTable.memberId, memberId)),
  );

/** @param except a session that goes on */
export const endSessions = (tx: Tx, memberId: string, reason: SessionEnd, except?: string) =>
  endWhere(
    tx,
    reason,
    and(eq(sessionTable.memberId, memberId), except === undefined ? undefined : ne(sessionTable.id, except)),
  );

/** Sessions that one member has at the same time, at most. */
const MOST_SESSIONS = 50;

/** Ends the oldest sessions of a member beyond the limit. The member's row is locked, so that no login is overlooked. */
export const endOldestSessions = (tx: Tx, memberId: string) => {
  const { id, createdAt, expiresAt, revokedAt } = sessionTable;
  const beyond = tx
    .select({ id })
    .from(sessionTable)
    .where(and(eq(sessionTable.memberId, memberId), isNull(revokedAt), gt(expiresAt, sql`now()`)))
    .orderBy(sql`${createdAt} desc, ${id} desc`)
    .offset(MOST_SESSIONS);
  return endWhere(tx, "limit", sql`${id} in ${beyond}`);
};
