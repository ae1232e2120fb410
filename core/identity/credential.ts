import { and, eq, exists, isNull, lt, or, sql } from "drizzle-orm";
import type { Reader, Unexecuted } from "../../drizzle/tenant.js";
import type { Scope } from "../access.js";
import type { Actor } from "../actor.js";
import { unauthenticated } from "../error.js";
import { addressKey, type Bucket, type PolicyName, type strictest, take } from "../rate.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { type Access, fingerprint, tenantOfSecret } from "../token.js";
import { usable } from "./api-key.js";
import { apiKeyTable, memberTable, sessionTable } from "./identity.sql.js";
import { alive } from "./session.js";

/** Who holds a credential, and what their tenant looks like. */
export interface Holder {
  actor: Exclude<Actor, { type: "operator" }>;
  tenant: { id: string; slug: string; status: string };
}

/** How a credential is looked up: queries for a batch, and what their rows mean. */
export interface Lookup {
  tenantId: string;
  queries(q: Reader): readonly Unexecuted[];
  /** @throws Failure unauthenticated */
  holder(results: readonly unknown[]): Holder;
  taken(results: readonly unknown[]): Parameters<typeof strictest>[0];
}

type Row<Query extends (q: Reader) => PromiseLike<unknown>> =
  Awaited<ReturnType<Query>> extends (infer R)[] ? R : never;

const tenant = { slug: tenantTableRoot.slug, status: tenantTableRoot.status };

/**
 * A look-up and the token that goes with it, taken only from those whom the look-up finds: an invented credential
 * finds nobody and spends nobody's quota.
 */
function lookup<Query extends (q: Reader) => Unexecuted<object[]>>(
  tenantId: string,
  buckets: readonly Bucket[],
  find: Query,
  actorOf: (row: Row<Query>) => Holder["actor"],
  also: (q: Reader) => readonly Unexecuted[] = () => [],
): Lookup {
  return {
    tenantId,
    queries: (q) => [find(q), take(q, buckets, exists(find(q))), ...also(q)],
    holder([rows]) {
      const [row] = rows as (Row<Query> & { slug: string; status: string })[];
      if (!row) throw unauthenticated("credential_invalid", "The credential is unknown, expired or revoked.");
      return { actor: actorOf(row), tenant: { id: tenantId, slug: row.slug, status: row.status } };
    },
    taken: ([, taken]) => taken as never,
  };
}

const bucket = (policy: PolicyName, key: string): Bucket => ({ policy, key });
const buckets = (principal: string | undefined, address: string) => [
  bucket("tenant", ""),
  ...(principal ? [bucket("principal", principal)] : []),
  bucket("address", addressKey(address)),
];

/** Whoever holds an access token: its session goes on, and their role is the one of this moment. */
export const ofAccess = ({ tenantId, memberId, sessionId }: Access, address: string): Lookup =>
  lookup(
    tenantId,
    buckets(memberId, address),
    (q) =>
      q
        .select({ role: memberTable.role, ...tenant })
        .from(sessionTable)
        .innerJoin(memberTable, eq(memberTable.id, sessionTable.memberId))
        .innerJoin(tenantTableRoot, sql`true`)
        .where(and(eq(sessionTable.id, sessionId), eq(sessionTable.memberId, memberId), alive)),
    ({ role }) => ({ type: "member", tenantId, memberId, sessionId, role }),
  );

/** Whoever holds an API key. @throws Failure unauthenticated when the text is none */
export function ofKey(text: string, address: string): Lookup {
  const tenantId = tenantOfSecret(text, "sk_live", "sk_test", "pk_live", "pk_test");
  if (!tenantId) throw unauthenticated("credential_malformed", "This is not an API key.");
  const hash = fingerprint(text);
  const { id, kind, scopes } = apiKeyTable;
  return lookup(
    tenantId,
    buckets(hash.slice(0, 22), address),
    (q) =>
      q
        .select({ id, kind, scopes, ...tenant })
        .from(apiKeyTable)
        .innerJoin(tenantTableRoot, sql`true`)
        .where(and(eq(apiKeyTable.hash, hash), usable)),
    (key) => actorOfKey(tenantId, key),
    (q) => (noted(hash) ? [] : [noteUse(q, hash)]),
  );
}

const actorOfKey = (tenantId: string, { id, kind, scopes }: { id: string; kind: string; scopes: Scope[] }) =>
  kind === "secret"
    ? ({ type: "key", tenantId, keyId: id, scopes } as const)
    : ({ type: "visitor", tenantId, keyId: id } as const);

/** Somebody without a credential who names a tenant. */
export const ofVisitor = (tenantId: string, address: string): Lookup =>
  lookup(
    tenantId,
    buckets(undefined, address),
    (q) => q.select(tenant).from(tenantTableRoot),
    () => ({ type: "visitor", tenantId }),
  );

/** When this process last noted the use of a key: it asks the database once a minute, not at each request. */
const notes = new Map<string, number>();
const MINUTE = 60_000;

function noted(hash: string): boolean {
  const now = Date.now();
  if (now - (notes.get(hash) ?? 0) < MINUTE) return true;
  if (notes.size > 1000) notes.clear();
  notes.set(hash, now);
  return false;
}

/** A row that another request is noting already is left to it. */
function noteUse(q: Reader, hash: string): Unexecuted {
  const minuteAgo = or(isNull(apiKeyTable.lastUsedAt), lt(apiKeyTable.lastUsedAt, sql`now() - interval '1 minute'`));
  const free = q
    .select({ id: apiKeyTable.id })
    .from(apiKeyTable)
    .where(and(eq(apiKeyTable.hash, hash), usable, minuteAgo))
    .for("no key update", { skipLocked: true });
  return q
    .with() // a Reader writes nothing but this and the tokens
    .update(apiKeyTable)
    .set({ lastUsedAt: sql`now()` as never, updatedAt: sql`${apiKeyTable.updatedAt}` as never })
    .where(sql`${apiKeyTable.id} in ${free}`);
}
