import { and, asc, eq, type SQL, sql } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import { allows, scopes as allScopes, roleIncludes, type Scope, scopesOf } from "../kernel/access.js";
import { type Actor, actor } from "../kernel/actor.js";
import { forbidden, unauthenticated } from "../kernel/error.js";
import type { Role } from "../kernel/role.js";
import { apiKeyTable, memberTable, sessionTable } from "./identity.sql.js";
import { isActiveSession, isUsable } from "./validity.js";

/**
 * The caller, read again and locked in the open transaction: until the commit no other transaction removes or demotes the
 * member, ends the session or revokes the key. Keys that the caller creates carry this lineage.
 */
export interface Maker {
  may(scope: Scope): boolean;
  /** The member who is the caller, or at the beginning of the caller's lineage. */
  createdBy: string | null;
  /** The calling key; null for a member. */
  parentId: string | null;
  /** UUIDs of the calling key and of its ancestors, the calling one first. */
  ancestors: readonly string[];
  /** The end of the calling key. */
  expiresAt: string | null;
}

/** What a lock on a row stops: its change, or also that another transaction shares it. */
type Strength = "share" | "no key update";

/**
 * Locks the caller against the loss of its rights.
 * @param strength of the lock on a calling key and its parents. A change of a key needs `no key update` from the start:
 * two transactions that both hold `share` and then ask for more would wait for one another.
 * @throws Failure unauthenticated when the rights were lost meanwhile
 */
export async function lockMaker(tx: Tx, strength: Strength = "share"): Promise<Maker> {
  const caller = actor();
  if (caller.type === "member") return makerOfMember(await lockCallingMember(tx, caller));
  if (caller.type !== "key") return makerOfPlatform(caller);
  // The member first, then keys from the oldest to the youngest: as a removal and a revocation lock them.
  const [, maker] = await Promise.all([
    tx.select({ id: memberTable.id }).from(memberTable).where(isMakerOf(tx, caller.keyId)).for("share"),
    lockLineage(tx, caller.keyId, strength),
  ]);
  return maker;
}

const makerOfPlatform = (caller: Actor): Maker => ({
  may: (scope) => allows(caller, scope),
  createdBy: null,
  parentId: null,
  ancestors: [],
  expiresAt: null,
});

/** The condition for the member at the beginning of a key's lineage. */
export const isMakerOf = (tx: Tx, keyId: string): SQL =>
  sql`${memberTable.id} in ${tx.select({ createdBy: apiKeyTable.createdBy }).from(apiKeyTable).where(eq(apiKeyTable.id, keyId))}`;

async function lockCallingMember(tx: Tx, { memberId, sessionId }: { memberId: string; sessionId: string }) {
  const [member] = await tx
    .select({ id: memberTable.id, role: memberTable.role })
    .from(memberTable)
    .innerJoin(sessionTable, eq(sessionTable.memberId, memberTable.id))
    .where(and(eq(memberTable.id, memberId), eq(sessionTable.id, sessionId), isActiveSession))
    .for("share");
  return member;
}

/** @param member the caller's locked row @throws Failure unauthenticated without one */
export function makerOfMember(member: { id: string; role: Role } | undefined): Maker {
  if (!member) throw lostFailure();
  const { id: createdBy, role } = member;
  return { may: (scope) => roleIncludes(role, scope.role), createdBy, parentId: null, ancestors: [], expiresAt: null };
}

/** Locks a key and its ancestors. @throws Failure unauthenticated when one of them is over */
export async function lockLineage(tx: Tx, keyId: string, strength: Strength): Promise<Maker> {
  const above = tx
    .select({ id: sql`unnest(${apiKeyTable.ancestors} || ${apiKeyTable.id})` })
    .from(apiKeyTable)
    .where(eq(apiKeyTable.id, keyId));
  const { id, scopes, createdBy, ancestors, expiresAt } = apiKeyTable;
  const keys = await tx
    .select({ id, scopes, createdBy, ancestors, expiresAt, usable: sql<boolean>`${isUsable}` })
    .from(apiKeyTable)
    .where(sql`${apiKeyTable.id} in ${above}`)
    .orderBy(asc(id))
    .for(strength);
  const key = keys.find((one) => one.id === keyId);
  if (!key || keys.some(({ usable }) => !usable)) throw lostFailure();
  return {
    may: ({ name }) => key.scopes.includes(name),
    createdBy: key.createdBy,
    parentId: key.id,
    ancestors: [typeIdToUuid("key", key.id), ...key.ancestors],
    expiresAt: key.expiresAt,
  };
}

const lostFailure = () => unauthenticated("credential_invalid", "The credential is unknown, expired or revoked.");

/**
 * Refuses scopes that the maker does not hold: a key has no more rights than its creator.
 * @throws Failure forbidden
 */
export function requireHeldScopes(maker: Pick<Maker, "may">, names: readonly string[]): void {
  const missing = names.filter((name) => {
    const scope = allScopes.find(name);
    return !scope || !maker.may(scope);
  });
  if (missing.length > 0)
    throw forbidden("scope_not_held", `Your credential lacks these scopes: ${missing.join(", ")}.`);
}

/** Refuses to give or take a role that has more rights than the caller. @throws Failure forbidden */
export function requireHeldRights(maker: Pick<Maker, "may">, role: Role): void {
  if (!scopesOf(role).every((scope) => maker.may(scope)))
    throw forbidden(
      "role_not_held",
      `Your credential lacks the rights of the role ${role}, so it cannot give or take that role.`,
    );
}
