import { createHmac } from "node:crypto";
import { isIPv6 } from "node:net";
import { and, exists, not, type SQL, sql } from "drizzle-orm";
import type { Reader } from "../../drizzle/reader.js";
import type { Context } from "../kernel/actor.js";
import { config } from "../kernel/config.js";
import { queryPlatform } from "../kernel/db.js";
import { Failure } from "../kernel/error.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { rateBucketTable } from "./rate.sql.js";

interface Policy {
  /** Requests at once. */
  capacity: number;
  perSecond: number;
}

/** The one table of limits: token buckets, by class of request. */
const policies = {
  /** All requests of a tenant's credentials; the rate is in the tenant's row, which has it from the plan. */
  tenant: "by plan",
  /** One key or member, so that one program does not starve the others. */
  principal: { capacity: 2_000, perSecond: 1_000 },
  /** One client of one tenant: a publishable key is in the hands of all its shoppers. */
  address: { capacity: 2_000, perSecond: 1_000 },
  /** Failed logins of one address, on all accounts together. A success gives its token back. */
  "login-address": { capacity: 60, perSecond: 1 },
  /** Failed logins of one address on one account: ten a minute. */
  "login-pair": { capacity: 20, perSecond: 10 / 60 },
  /** Failed logins on one account from addresses that it never logged in from. */
  "login-account": { capacity: 100, perSecond: 100 / 3600 },
  /** One address at login and refresh, which need no credential. */
  "auth-address": { capacity: 400, perSecond: 200 },
  /** Unknown API keys from one address: each costs a look-up. */
  miss: { capacity: 2_000, perSecond: 100 },
  /** New tenants of one address: an office or a conference is behind one. */
  signup: { capacity: 300, perSecond: 0.5 },
} as const satisfies Record<string, Policy | "by plan">;
type PolicyName = keyof typeof policies;
type FixedName = Exclude<PolicyName, "tenant">;

/** A bucket of tokens. One statement takes from at most one bucket of each policy. */
export interface Bucket {
  policy: PolicyName;
  key: string;
}

type Taken = Pick<typeof rateBucketTable.$inferSelect, "id" | "tokens" | "granted" | "capacity" | "perSecond">;
export type Rate = NonNullable<Context["rate"]>;

/**
 * A client's address as a key: an IPv6 client owns a whole /64 (RFC 4291), and an address is personal data, so that
 * only its keyed hash is kept.
 */
export const addressKey = (address: string) =>
  createHmac("sha256", Buffer.from(config.DATA_KEY, "base64url"))
    .update(`address ${network(address)}`)
    .digest("base64url")
    .slice(0, 22);

function network(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped || !isIPv6(address)) return mapped ?? address;
  const [head = [], tail = []] = address.split("::").map((part) => (part ? part.split(":") : []));
  const groups = [...head, ...Array(Math.max(0, 8 - head.length - tail.length)).fill("0"), ...tail];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16))
    .join(":");
}

/** The capacity of a tenant's bucket, in seconds of its rate. */
export const BURST = 2;

/**
 * Capacity and refill of a bucket. A tenant's are read by the statement that takes the tokens, so that a new plan
 * applies at once.
 */
function sizeOf(q: Reader, policy: PolicyName): SQL {
  const fixed = policies[policy];
  if (fixed !== "by plan") return sql`${fixed.capacity}::float8, ${fixed.perSecond}::float8`;
  const rate = q.select({ rate: tenantTableRoot.requestRate }).from(tenantTableRoot);
  return sql`${BURST}::float8 * ${rate}, ${rate}::float8`;
}

/** The database concatenates the id, so that the key can be a parameter of a prepared statement. */
const idOf = ({ policy, key }: Bucket) => sql`${`${policy}:`}::text || ${key}::text`;

/**
 * The tokens now: those at the last request and the refill since then, at most the capacity. `excluded` is the new row.
 */
const refilled = sql`least(excluded.capacity, ${rateBucketTable.tokens} + excluded.per_second
  * greatest(0, extract(epoch from excluded.refilled_at - ${rateBucketTable.refilledAt})::float8))`;

/**
 * Takes a token from each bucket in one statement, in the order of their policies, so that no deadlock arises. It
 * belongs in the batch of a credential: its row locks in a longer transaction would serialize a tenant's requests.
 * @param entitled the condition for taking tokens: an invented credential spends no quota
 * @param cost the tokens to take; -1 gives one back
 */
export function takeTokens(q: Reader, buckets: readonly Bucket[], entitled: SQL = sql`true`, cost = 1) {
  const rows = buckets
    .toSorted((a, b) => (a.policy < b.policy ? -1 : 1))
    .map((bucket) => sql`(${idOf(bucket)}, ${sizeOf(q, bucket.policy)})`);
  const enough = sql`${refilled} >= ${cost}`;
  return q
    .insert(rateBucketTable)
    .select(
      q
        .select({
          // The builder fills the tenant's id into values, not into a select; the policies compare with this setting,
          // too.
          tenantId: sql<string>`nullif(current_setting('app.tenant_id', true), '')::uuid`.as("tenant_id"),
          createdAt: sql<string>`now()`.as("created_at"),
          updatedAt: sql<string>`now()`.as("updated_at"),
          id: sql<string>`bucket.id`.as("id"),
          capacity: sql<number>`bucket.capacity`.as("capacity"),
          perSecond: sql<number>`bucket.per_second`.as("per_second"),
          tokens: sql<number>`least(bucket.capacity, bucket.capacity - ${cost}::float8)`.as("tokens"),
          granted: sql<boolean>`true`.as("granted"),
          refilledAt: sql<string>`clock_timestamp()`.as("refilled_at"),
        })
        .from(sql`(values ${sql.join(rows, sql`, `)}) as bucket (id, capacity, per_second)`)
        .where(entitled),
    )
    .onConflictDoUpdate({
      target: [rateBucketTable.tenantId, rateBucketTable.id],
      set: {
        capacity: sql`excluded.capacity`,
        perSecond: sql`excluded.per_second`,
        tokens: sql`least(excluded.capacity, ${refilled} - case when ${enough} then ${cost}::float8 else 0 end)`,
        granted: enough,
        refilledAt: sql`greatest(excluded.refilled_at, ${rateBucketTable.refilledAt})`,
      },
    })
    .returning({
      id: rateBucketTable.id,
      tokens: rateBucketTable.tokens,
      granted: rateBucketTable.granted,
      capacity: rateBucketTable.capacity,
      perSecond: rateBucketTable.perSecond,
    });
}

/** Whether all these buckets have just given a token, in this transaction. */
export function allGranted(q: Reader, buckets: readonly Bucket[]): SQL {
  const ids = buckets.map(idOf);
  return not(
    exists(
      q
        .select({ one: sql`1` })
        .from(rateBucketTable)
        .where(and(sql`${rateBucketTable.id} in ${ids}`, not(rateBucketTable.granted))),
    ),
  );
}

/** Of several buckets the one that limits most: a refused one, else the emptiest. */
export function mostLimited(taken: readonly Taken[]): (Rate & { granted: boolean }) | undefined {
  const states = taken.map(({ id, ...bucket }) => stateOf(id.split(":")[0] ?? "", bucket));
  const share = (state: Rate & { granted: boolean }) => (state.granted ? state.remaining / state.limit : -state.reset);
  return states.reduce<(typeof states)[number] | undefined>(
    (least, state) => (least && share(least) <= share(state) ? least : state),
    undefined,
  );
}

function stateOf(policy: string, { tokens, granted, capacity, perSecond }: Omit<Taken, "id">) {
  const reset = Math.max(1, Math.ceil((capacity - tokens) / perSecond));
  const remaining = granted ? Math.max(0, Math.floor(tokens)) : 0;
  return { policy, limit: capacity, remaining, reset, window: Math.ceil(capacity / perSecond), granted };
}

/** @throws Failure limited, with the seconds until the bucket is full again */
export function refuseLimited(state: { granted: boolean; reset: number } | undefined): void {
  if (!state || state.granted) return;
  throw new Failure("limited", "rate_limited", "Too many requests. Retry after `Retry-After` seconds.", {
    retryAfter: state.reset,
  });
}

/** The platform function that takes a token of an address, for a request whose tenant is not known yet. */
export const addressTokenCall = (policy: FixedName, address: string) => {
  const { capacity, perSecond } = policies[policy];
  return ["take_token", `${policy}:${addressKey(address)}`, capacity, perSecond, 1] as const;
};

/** @throws Failure limited */
export function checkAddressToken(policy: FixedName, rows: readonly unknown[] | undefined): void {
  const [row] = (rows ?? []) as { granted: boolean; tokens: number }[];
  refuseLimited(row && stateOf(policy, { ...policies[policy], tokens: Number(row.tokens), granted: row.granted }));
}

/** Takes a token of an address, before any tenant is known. @throws Failure limited */
export async function admitAddress(policy: FixedName, address: string): Promise<void> {
  const [rows] = await queryPlatform(addressTokenCall(policy, address));
  checkAddressToken(policy, rows);
}
