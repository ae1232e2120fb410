import { and, eq, gt, isNull, or, sql } from "drizzle-orm";
import { apiKeyTable, memberTable, sessionTable } from "./identity.sql.js";

/**
 * The condition of an active session: its member is on the staff and was there without a break since it began, it was
 * not revoked, and it was not idle for too long.
 */
export const isActiveSession = and(
  isNull(sessionTable.revokedAt),
  gt(sessionTable.expiresAt, sql`now()`),
  eq(memberTable.status, "active"),
  sql`${sessionTable.createdAt} > coalesce(${memberTable.sessionsValidAfter}, '-infinity')`,
);

/** The condition of a usable key: not revoked and not expired. */
export const isUsable = and(
  isNull(apiKeyTable.revokedAt),
  or(isNull(apiKeyTable.expiresAt), gt(apiKeyTable.expiresAt, sql`now()`)),
);
