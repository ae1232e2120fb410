import { and, eq, sql } from "drizzle-orm";
import { param } from "../../drizzle/prepared.js";
import type { Principal } from "../kernel/actor.js";
import { unauthenticated } from "../kernel/error.js";
import { hashSecret, tenantOfSecret } from "../kernel/token.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import type { AccessClaims } from "./access-token.js";
import { apiKeyTable, memberTable, sessionTable } from "./identity.sql.js";
import { isUseDue, markUse, recordKeyUse } from "./key-use.js";
import { defineLookup, type Lookup, type Price, tenantColumns } from "./lookup.js";
import { isActiveSession, isUsable } from "./validity.js";

const member = defineLookup(
  (q, { sessionId, memberId }: { sessionId: string; memberId: string }) =>
    q
      .select({ sessionId: sessionTable.id, memberId: memberTable.id, role: memberTable.role, ...tenantColumns })
      .from(sessionTable)
      // Each by the id that the token names: joined by the member of the session, the planner may begin with the members.
      .innerJoin(memberTable, eq(memberTable.id, param(memberId, memberTable.id)))
      .innerJoin(tenantTableRoot, sql`true`)
      .where(
        and(
          eq(sessionTable.id, param(sessionId, sessionTable.id)),
          // `is true` keeps the planner from the index of the member's sessions, which may be many.
          sql`(${eq(sessionTable.memberId, param(memberId, sessionTable.memberId))}) is true`,
          isActiveSession,
        ),
      ),
  ({ role, memberId, sessionId }, tenantId) => ({ type: "member", tenantId, memberId, sessionId, role }),
);

/** The look-up of the holder of an access token: its session must be active, and the role is the current one. */
export function lookUpAccessToken(
  { tenantId, memberId, sessionId }: AccessClaims,
  address: string,
  price: Price,
): Lookup {
  const name = `${sessionId} ${memberId}`;
  const lookup = member({ tenantId, values: { sessionId, memberId }, name, ratePrincipal: memberId, address, price });
  return { ...lookup, principal: { type: "member", memberId } };
}

const key = defineLookup(
  (q, { hash }: { hash: string }) =>
    q
      .select({ id: apiKeyTable.id, kind: apiKeyTable.kind, scopes: apiKeyTable.scopes, ...tenantColumns })
      .from(apiKeyTable)
      .innerJoin(tenantTableRoot, sql`true`)
      .where(and(eq(apiKeyTable.hash, hash), isUsable)),
  (row, tenantId) => actorOfKey(tenantId, row),
);

/** The look-up of the holder of an API key. @throws Failure unauthenticated when the text is no API key */
export function lookUpKey(text: string, address: string, price: Price): Lookup {
  const tenantId = tenantOfSecret(text, "sk_live", "sk_test", "pk_live", "pk_test");
  if (!tenantId) throw unauthenticated("credential_malformed", "The text is not an API key.");
  const hash = hashSecret(text);
  // All shoppers share a publishable key: with a quota of its own, one of them could use up the quota of the others.
  const ratePrincipal = text.startsWith("sk_") ? hash.slice(0, 22) : undefined;
  const lookup = key({ tenantId, values: { hash }, name: hash, ratePrincipal, address, price });
  const principal = verifiedKeys.get(hash);
  const isDue = isUseDue(hash, lookup.asks !== undefined);
  return {
    ...lookup,
    isVerified: lookup.isVerified && principal !== undefined,
    principal,
    queries: (q) => [...lookup.queries(q), ...(isDue ? [recordKeyUse(q, hash)] : [])],
    toHolder(results) {
      const holder = lookup.toHolder(results);
      if (verifiedKeys.size > 1_000) verifiedKeys.clear();
      verifiedKeys.set(hash, principalOf(holder.actor));
      if (isDue) markUse(hash);
      return holder;
    },
  };
}

/** The keys that this process has found before, by their hash. A key never changes its id or its kind. */
const verifiedKeys = new Map<string, Principal>();

const principalOf = (actor: { type: string; keyId?: string }): Principal =>
  actor.type === "key" && actor.keyId !== undefined ? { type: "key", keyId: actor.keyId } : { type: "visitor" };

const actorOfKey = (tenantId: string, { id, kind, scopes }: { id: string; kind: string; scopes: string[] }) =>
  kind === "secret"
    ? ({ type: "key", tenantId, keyId: id, scopes } as const)
    : ({ type: "visitor", tenantId, keyId: id } as const);

const visitor = defineLookup(
  (q) => q.select(tenantColumns).from(tenantTableRoot),
  (_, tenantId) => ({ type: "visitor", tenantId }),
);

/** The look-up of a request without a credential, which names its tenant. */
export const lookUpVisitor = (tenantId: string, address: string, price: Price): Lookup => ({
  ...visitor({ tenantId, values: {}, name: tenantId, address, price }),
  principal: { type: "visitor" },
});
