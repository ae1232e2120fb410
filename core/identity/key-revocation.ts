import { and, eq, isNull, or, type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import { scopesOf } from "../kernel/access.js";
import { defineEvent, emit } from "../kernel/event/index.js";
import type { Role } from "../kernel/role.js";
import { bump } from "../kernel/version.js";
import { ApiKeyId, apiKeyTable, keyKinds } from "./identity.sql.js";

export const KnownKey = z.object({ keyId: ApiKeyId, kind: z.enum(keyKinds) });
export const ApiKeyRevoked = defineEvent("api_key.revoked", KnownKey);

/** Ids of UUIDs as one array, so that the text does not depend on their number. */
const uuids = (keyIds: readonly string[]) => `{${keyIds.map((id) => typeIdToUuid("key", id)).join(",")}}`;

/**
 * Revokes keys, and those that they have created: a key dies with its parent. A key that is being created at the same
 * time holds locks on its ancestors and on their member: this statement waits for them, and then finds the new key.
 * @returns the ids of the revoked keys
 */
export async function revokeKeys(tx: Tx, where: SQL | undefined): Promise<string[]> {
  const revoke = (condition: SQL | undefined) =>
    tx
      .update(apiKeyTable)
      .set({ revokedAt: sql`now()` as never, version: bump(apiKeyTable) })
      .where(and(isNull(apiKeyTable.revokedAt), condition))
      .returning({ keyId: apiKeyTable.id, kind: apiKeyTable.kind });
  const named = await revoke(where);
  if (named.length === 0) return [];
  const ids = uuids(named.map(({ keyId }) => keyId));
  const gone = [...named, ...(await revoke(sql`${apiKeyTable.ancestors} && ${ids}::uuid[]`))];
  for (const key of gone) emit(ApiKeyRevoked, key);
  return gone.map(({ keyId }) => keyId);
}

/** Ends the descendants of a key no later than the key itself ends. */
export const endDescendants = (tx: Tx, keyId: string, end: SQL) =>
  tx
    .update(apiKeyTable)
    .set({ expiresAt: end as never, version: bump(apiKeyTable) })
    .where(and(isNull(apiKeyTable.revokedAt), sql`${apiKeyTable.ancestors} && ${uuids([keyId])}::uuid[]`));

/**
 * The secret keys that a member has created, themselves or through their keys. Publishable keys have no scopes and stay.
 * @param role only those that hold more than this role
 */
export function keysOf(memberId: string, role?: Role): SQL | undefined {
  const names = role && `{${scopesOf(role).map(({ name }) => `"${name}"`)}}`;
  const isSecret = or(eq(apiKeyTable.kind, "secret"), sql`cardinality(${apiKeyTable.ancestors}) > 0`);
  const beyond = names === undefined ? undefined : sql`not ${apiKeyTable.scopes} <@ ${names}::text[]`;
  return and(eq(apiKeyTable.createdBy, memberId), isSecret, beyond);
}
