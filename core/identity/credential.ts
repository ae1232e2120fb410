import { and, eq, exists, isNull, lt, or, sql } from "drizzle-orm";
import { param, prepared } from "../../drizzle/prepared.js";
import type { Reader, Unexecuted } from "../../drizzle/reader.js";
import { planCode } from "../entitlement/index.js";
import type { Actor, Principal } from "../kernel/actor.js";
import { unauthenticated } from "../kernel/error.js";
import { hashSecret, tenantOfSecret } from "../kernel/token.js";
import { addressKey, allGranted, type Bucket, type mostLimited, takeTokens } from "../rate/index.js";
import type { TenantState } from "../tenant/index.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import type { AccessClaims } from "./access-token.js";
import { isUsable } from "./api-key.js";
import { apiKeyTable, memberTable, sessionTable } from "./identity.sql.js";
import { isActiveSession } from "./session.js";

/** The holder of a credential, and the state of the holder's tenant. */
export interface Holder {
  actor: Exclude<Actor, { type: "operator" }>;
  tenant: TenantState & { id: string; slug: string; plan: string };
}

/** The look-up of a credential: queries for a batch, and the functions that read their rows. */
export interface Lookup {
  tenantId: string;
  /** Whether the credential is known to be real: its signature is valid, or this process has found it before. */
  isVerified: boolean;
  /** The principal that the look-up finds, if it finds one; undefined when only the look-up can tell. */
  principal: Principal | undefined;
  queries(q: Reader): readonly Unexecuted[];
  /** @throws Failure unauthenticated */
  toHolder(results: readonly unknown[]): Holder;
  toTokens(results: readonly unknown[]): Parameters<typeof mostLimited>[0];
}

const tenant = {
  slug: tenantTableRoot.slug,
  status: tenantTableRoot.status,
  access: tenantTableRoot.access,
  plan: planCode,
};

/**
 * The keys of the buckets that only this client or principal takes tokens from; the tenant's bucket is shared by all.
 */
interface RatePrincipal {
  principal: string | undefined;
  address: string;
}

const ownBuckets = ({ principal, address }: RatePrincipal): Bucket[] => [
  { policy: "address", key: address },
  ...(principal === undefined ? [] : [{ policy: "principal", key: principal } as const]),
];
const tenantBucket: Bucket[] = [{ policy: "tenant", key: "" }];

/**
 * Builds the look-up of one kind of credential and the statements that take its tokens. Tokens are taken only when the
 * look-up finds a row, so that an invented credential spends no quota; and the tenant's token only when the buckets of
 * the client and the principal have granted theirs, so that a limited caller spends no quota of the others. Every
 * request sends these statements, so they are built once.
 */
function defineLookup<Values extends object, Query extends Unexecuted<object[]>>(
  find: (q: Reader, values: Values) => Query,
  actorOf: (row: Awaited<Query>[number], tenantId: string) => Holder["actor"],
) {
  const found = prepared(find);
  const known = (q: Reader, values: Values) => exists(find(q, values));
  const near = prepared((q, values: Values & RatePrincipal) => takeTokens(q, ownBuckets(values), known(q, values)));
  const shared = prepared((q, values: Values & RatePrincipal) =>
    takeTokens(q, tenantBucket, sql`${known(q, values)} and ${allGranted(q, ownBuckets(values))}`),
  );
  return (
    tenantId: string,
    values: Values & RatePrincipal,
    also: (q: Reader) => readonly Unexecuted[] = () => [],
  ): Omit<Lookup, "principal"> => ({
    tenantId,
    isVerified: true,
    queries: (q) => [found(q, values), near(q, values), shared(q, values), ...also(q)],
    toHolder([rows]) {
      const [row] = rows as (Awaited<Query>[number] & Omit<Holder["tenant"], "id">)[];
      if (!row) throw unauthenticated("credential_invalid", "The credential is unknown, expired or revoked.");
      const { slug, status, access, plan } = row;
      return { actor: actorOf(row, tenantId), tenant: { id: tenantId, slug, status, access, plan } };
    },
    toTokens: ([, own, others]) => [own, others].flat() as never,
  });
}

const member = defineLookup(
  (q, { sessionId, principal }: { sessionId: string; principal: string }) =>
    q
      .select({ sessionId: sessionTable.id, memberId: memberTable.id, role: memberTable.role, ...tenant })
      .from(sessionTable)
      .innerJoin(memberTable, eq(memberTable.id, sessionTable.memberId))
      .innerJoin(tenantTableRoot, sql`true`)
      .where(
        and(
          eq(sessionTable.id, param(sessionId, sessionTable.id)),
          eq(sessionTable.memberId, param(principal, sessionTable.memberId)),
          isActiveSession,
        ),
      ),
  ({ role, memberId, sessionId }, tenantId) => ({ type: "member", tenantId, memberId, sessionId, role }),
);

/** The look-up of the holder of an access token: its session must be active, and the role is the current one. */
export const lookUpAccessToken = ({ tenantId, memberId, sessionId }: AccessClaims, address: string): Lookup => ({
  ...member(tenantId, { sessionId, principal: memberId, address: addressKey(address) }),
  principal: { type: "member", memberId },
});

const key = defineLookup(
  (q, { hash }: { hash: string }) =>
    q
      .select({ id: apiKeyTable.id, kind: apiKeyTable.kind, scopes: apiKeyTable.scopes, ...tenant })
      .from(apiKeyTable)
      .innerJoin(tenantTableRoot, sql`true`)
      .where(and(eq(apiKeyTable.hash, hash), isUsable)),
  (row, tenantId) => actorOfKey(tenantId, row),
);

/** The look-up of the holder of an API key. @throws Failure unauthenticated when the text is no API key */
export function lookUpKey(text: string, address: string): Lookup {
  const tenantId = tenantOfSecret(text, "sk_live", "sk_test", "pk_live", "pk_test");
  if (!tenantId) throw unauthenticated("credential_malformed", "The text is not an API key.");
  const hash = hashSecret(text);
  // All shoppers share a publishable key: with a quota of its own, one of them could use up the quota of the others.
  const principal = text.startsWith("sk_") ? hash.slice(0, 22) : undefined;
  const values = { hash, principal, address: addressKey(address) };
  const found = key(tenantId, values, (q) => (wasRecordedRecently(hash) ? [] : [recordKeyUse(q, hash)]));
  const toHolder: Lookup["toHolder"] = (results) => {
    const known = found.toHolder(results);
    if (verifiedKeys.size > 1000) verifiedKeys.clear();
    verifiedKeys.set(
      hash,
      known.actor.type === "key" ? { type: "key", keyId: known.actor.keyId } : { type: "visitor" },
    );
    return known;
  };
  const principalOfKey = verifiedKeys.get(hash);
  return { ...found, toHolder, isVerified: principalOfKey !== undefined, principal: principalOfKey };
}

/** The keys that this process has found before, by their hash. A key never changes its id or its kind. */
const verifiedKeys = new Map<string, Principal>();

const actorOfKey = (tenantId: string, { id, kind, scopes }: { id: string; kind: string; scopes: string[] }) =>
  kind === "secret"
    ? ({ type: "key", tenantId, keyId: id, scopes } as const)
    : ({ type: "visitor", tenantId, keyId: id } as const);

const visitor = defineLookup(
  (q) => q.select(tenant).from(tenantTableRoot),
  (_, tenantId) => ({ type: "visitor", tenantId }),
);

/** The look-up of a request without a credential, which names its tenant. */
export const lookUpVisitor = (tenantId: string, address: string): Lookup => ({
  ...visitor(tenantId, { principal: undefined, address: addressKey(address) }),
  principal: { type: "visitor" },
});

/**
 * The instants (milliseconds) at which this process last wrote the use of a key, by its hash: once a minute, not at
 * each request.
 */
const recordedAt = new Map<string, number>();
const MINUTE = 60_000;

function wasRecordedRecently(hash: string): boolean {
  const now = Date.now();
  if (now - (recordedAt.get(hash) ?? 0) < MINUTE) return true;
  if (recordedAt.size > 1000) recordedAt.clear();
  recordedAt.set(hash, now);
  return false;
}

/** Writes the use of a key. A row that another request has locked is skipped, because that request writes the same. */
function recordKeyUse(q: Reader, hash: string): Unexecuted {
  const minuteAgo = or(isNull(apiKeyTable.lastUsedAt), lt(apiKeyTable.lastUsedAt, sql`now() - interval '1 minute'`));
  const free = q
    .select({ id: apiKeyTable.id })
    .from(apiKeyTable)
    .where(and(eq(apiKeyTable.hash, hash), isUsable, minuteAgo))
    .for("no key update", { skipLocked: true });
  return q
    .with() // a Reader writes nothing but this and the tokens
    .update(apiKeyTable)
    .set({ lastUsedAt: sql`now()` as never, updatedAt: sql`${apiKeyTable.updatedAt}` as never })
    .where(sql`${apiKeyTable.id} in ${free}`);
}
