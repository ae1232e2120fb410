export * as Session from "./session.js";

import { and, eq, gt, inArray, isNotNull, isNull, lt, notExists, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/pg-core";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { actor, addToContext, context, runAs, tenantId } from "../kernel/actor.js";
import { keyedHashes } from "../kernel/data-key.js";
import { db, read, verifyCredential } from "../kernel/db.js";
import { SLICE } from "../kernel/due.js";
import { forbidden, unauthenticated } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { anyOf } from "../kernel/rows.js";
import { createSecret, hashSecret, tenantOfSecret } from "../kernel/token.js";
import { accountKey, addressKey } from "../rate/index.js";
import { TenantRecord, view as tenantView } from "../tenant/index.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { ACCESS_LIFETIME, type AccessClaims, signAccessToken } from "./access-token.js";
import {
  memberTable,
  RefreshTokenId,
  refreshTokenTable,
  SESSION_RETENTION_DAYS,
  SessionId,
  sessionTable,
} from "./identity.sql.js";
import { Member, MemberRecord } from "./member.js";
import { endOldestSessions, endSession } from "./session-end.js";
import { isActiveSession } from "./validity.js";

export const Tokens = z
  .object({
    accessToken: z.string().meta({ description: "A JWT for `Authorization: Bearer`, valid for ten minutes" }),
    refreshToken: z.string().meta({ description: "Can be used once, within 30 days" }),
    tokenType: z.literal("Bearer"),
    expiresIn: z.int().meta({ description: "Seconds until the access token expires" }),
  })
  .meta({ id: "Tokens" });

const SessionRecord = z.object({ id: SessionId, createdAt: z.string(), expiresAt: z.string() }).meta({ id: "Session" });

export const Me = z
  .object({ member: MemberRecord, tenant: TenantRecord, role: MemberRecord.shape.role, session: SessionRecord })
  .meta({ id: "Me" });

/** A session ends after this time without a refresh, and at its absolute end. */
const idleDeadline = sql`now() + interval '30 days'`;
/** A second use of a refresh token within this time is no theft: two tabs may refresh at once. Seconds. */
const LEEWAY = 10;

/** A session whose tokens are stored and not yet sent to the client. */
export interface StartedSession extends AccessClaims {
  refreshToken: string;
}

/** Stores a refresh token; the child of a token is the same for all who exchange it. */
const insertRefreshToken = (tx: Tx, sessionId: string, refreshToken: string, parentId: string | null = null) =>
  tx
    .insert(refreshTokenTable)
    .values({
      id: RefreshTokenId.create(),
      sessionId,
      parentId,
      hash: hashSecret(refreshToken),
      expiresAt: idleDeadline as never,
    })
    .onConflictDoNothing({ target: [refreshTokenTable.tenantId, refreshTokenTable.hash] });

/** Begins a session of a member who was inserted in the open transaction. */
export async function start(tx: Tx, memberId: string): Promise<StartedSession> {
  const sessionId = SessionId.create();
  const refreshToken = createSecret("rt", tenantId());
  const from = addressKey(context().address ?? "");
  const expiresAt = idleDeadline as never;
  await Promise.all([
    tx.insert(sessionTable).values({ id: sessionId, memberId, addressKey: from, expiresAt }),
    insertRefreshToken(tx, sessionId, refreshToken),
    endOldestSessions(tx, memberId),
  ]);
  return { tenantId: tenantId(), memberId, sessionId, refreshToken };
}

/**
 * Begins a session of a member whose password was compared before the transaction. The member stays locked until the
 * commit, so that a removal or a new password either comes first, or ends this session as well.
 * @returns undefined when the member was removed or the password changed meanwhile
 */
export async function startFor(tx: Tx, { id, passwordHash }: { id: string; passwordHash: string }) {
  const { status, passwordHash: hash } = memberTable;
  const [member] = await tx
    .select({ id: memberTable.id })
    .from(memberTable)
    .where(and(eq(memberTable.id, id), eq(status, "active"), eq(hash, passwordHash)))
    .for("no key update");
  return member && start(tx, member.id);
}

/** Makes the tokens of the client; the access token is signed outside of the transaction. */
export const issueTokens = async ({ refreshToken, ...access }: StartedSession) => ({
  accessToken: await signAccessToken(access),
  refreshToken,
  tokenType: "Bearer" as const,
  expiresIn: ACCESS_LIFETIME,
});

const RefreshToken = z.string().min(1).max(300).describe("From `logIn` or the last `refreshSession`; it works once");

/**
 * Exchanges a refresh token for its child. A second use, other than by a parallel tab just now, proves that the token
 * was stolen: the whole session ends, which is committed although the answer is a refusal (RFC 9700 §4.14.2).
 * @throws Failure unauthenticated
 */
export const refresh = fn(z.strictObject({ refreshToken: RefreshToken }), async ({ refreshToken }) => {
  const owner = tenantOfSecret(refreshToken, "rt");
  if (!owner) throw refreshRefused();
  addToContext({ claim: { tenantId: owner, account: accountKey(refreshToken) } });
  return runAs({ type: "system", tenantId: owner }, async () => {
    const rotated = await db((tx) => rotate(tx, refreshToken));
    if (!rotated) throw refreshRefused();
    return issueTokens(rotated);
  });
});

const refreshRefused = () =>
  unauthenticated("refresh_token_invalid", "The refresh token is unknown, expired or already used. Log in again.");

/**
 * The child of a refresh token is derived from it, so that parallel exchanges give one child: a copied token makes no
 * second line of children that would never meet the first. Also while DATA_KEY is rotated: a child that is there is
 * derived by its own key, and without that key there is no other child.
 * @param known the hash of the child that is there
 */
function childOf(refreshToken: string, known: string | null): string | undefined {
  const children = keyedHashes("refresh-token", refreshToken).map((hash) => `rt_${tenantId().slice(4)}_${hash}`);
  return known === null ? children[0] : children.find((child) => hashSecret(child) === known);
}

async function rotate(tx: Tx, parent: string): Promise<StartedSession | undefined> {
  const hash = hashSecret(parent);
  // One of several concurrent requests finds the token unused; the others wait for its row and then find it used.
  await tx
    .update(refreshTokenTable)
    .set({ usedAt: sql`clock_timestamp()` as never })
    .where(and(eq(refreshTokenTable.hash, hash), isNull(refreshTokenTable.usedAt)));
  const token = await findRefreshToken(tx, hash);
  if (!token) return undefined;
  if (token.usedBeforeLeeway || token.childUsed) {
    await endSession(tx, token.sessionId, "reuse");
    return undefined;
  }
  const refreshToken = childOf(parent, token.childHash);
  if (!refreshToken) return undefined;
  await Promise.all([
    insertRefreshToken(tx, token.sessionId, refreshToken, token.id),
    tx
      .update(sessionTable)
      .set({ expiresAt: sql`least(${idleDeadline}, ${sessionTable.endsAt})` as never })
      .where(eq(sessionTable.id, token.sessionId)),
  ]);
  return { tenantId: tenantId(), memberId: token.memberId, sessionId: token.sessionId, refreshToken };
}

/** Reads a refresh token of an active session, and whether it was used before. */
async function findRefreshToken(tx: Tx, hash: string) {
  const child = alias(refreshTokenTable, "child");
  const isChild = eq(child.parentId, refreshTokenTable.id);
  const children = tx
    .select({ one: sql`1` })
    .from(child)
    .where(and(isChild, isNotNull(child.usedAt)));
  const childHash = tx.select({ hash: child.hash }).from(child).where(isChild).limit(1);
  const [token] = await tx
    .select({
      id: refreshTokenTable.id,
      sessionId: sessionTable.id,
      memberId: sessionTable.memberId,
      usedBeforeLeeway: sql<boolean>`${refreshTokenTable.usedAt} < clock_timestamp() - make_interval(secs => ${LEEWAY})`,
      /** Its child was used as well, so that this use is no parallel refresh. */
      childUsed: sql<boolean>`exists ${children}`,
      childHash: sql<string | null>`(${childHash})`,
    })
    .from(refreshTokenTable)
    .innerJoin(sessionTable, eq(sessionTable.id, refreshTokenTable.sessionId))
    .innerJoin(memberTable, eq(memberTable.id, sessionTable.memberId))
    .where(and(eq(refreshTokenTable.hash, hash), gt(refreshTokenTable.expiresAt, sql`now()`), isActiveSession));
  return token;
}

/** Ends the caller's session: its access token is refused from the next request on. */
export const logout = fn(z.void(), () =>
  db(async (tx) => {
    await endSession(tx, callingMember().sessionId, "logout");
  }),
);

/** The caller, who must be a member. @throws Failure forbidden */
export function callingMember() {
  const caller = actor();
  if (caller.type !== "member") throw forbidden("forbidden", "Only a member can call this operation.");
  return caller;
}

export const me = fn(z.void(), async () => {
  await verifyCredential();
  const { sessionId, role } = callingMember();
  const { id: key, createdAt, expiresAt } = sessionTable;
  const [found] = await read((q) =>
    q
      .select({ member: Member.view, tenant: tenantView, session: { id: key, createdAt, expiresAt } })
      .from(sessionTable)
      .innerJoin(memberTable, eq(memberTable.id, sessionTable.memberId))
      .innerJoin(tenantTableRoot, sql`true`)
      .where(eq(key, sessionId)),
  );
  if (!found) throw unauthenticated("unauthenticated", "The session has ended. Log in again.");
  return { ...found, role };
});

/**
 * Deletes a slice of the tenant's refresh tokens that expired more than SESSION_RETENTION_DAYS ago, and each session
 * with the last of its tokens.
 * @returns the number of tokens
 */
export const deleteExpired = () =>
  db(async (tx) => {
    const old = sql`now() - make_interval(days => ${SESSION_RETENTION_DAYS})`;
    const { id, sessionId, expiresAt } = refreshTokenTable;
    const expired = tx
      .select({ id })
      .from(refreshTokenTable)
      .where(lt(expiresAt, old))
      .orderBy(expiresAt)
      .limit(SLICE)
      .for("update", { skipLocked: true });
    const gone = await tx.delete(refreshTokenTable).where(inArray(id, expired)).returning({ sessionId });
    const left = tx.select({ id }).from(refreshTokenTable).where(eq(sessionId, sessionTable.id));
    await tx
      .delete(sessionTable)
      .where(
        and(
          anyOf(sessionTable.id, [...new Set(gone.map((token) => token.sessionId))]),
          lt(sessionTable.expiresAt, old),
          notExists(left),
        ),
      );
    return gone.length;
  });
