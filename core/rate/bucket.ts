import { and, exists, not, type SQL, sql } from "drizzle-orm";
import type { Reader } from "../../drizzle/reader.js";
import { queryPlatform } from "../kernel/db.js";
import { Failure } from "../kernel/error.js";
import { addressKey } from "./address.js";
import {
  type BucketState,
  bucketId,
  type FixedBucket,
  type FixedName,
  type Policy,
  policies,
  stateOf,
} from "./policy.js";
import { forgottenAt, rateBucketTable } from "./rate.sql.js";

/**
 * The tokens now: those at the last request and the refill since then, at most the capacity. `excluded` is the new row.
 */
const refilled = sql`least(excluded.capacity, ${rateBucketTable.tokens} + excluded.per_second
  * greatest(0, extract(epoch from excluded.refilled_at - ${rateBucketTable.refilledAt})::float8))`;

/**
 * Takes a token from each bucket in one statement, in the order of their policies, so that no deadlock arises. Its row
 * locks would serialize the callers of a longer transaction.
 * @param entitled the condition for taking tokens
 * @param cost the tokens to take; -1 gives one back
 */
export function takeTokens(q: Reader, buckets: readonly FixedBucket[], entitled: SQL = sql`true`, cost = 1) {
  const rows = buckets
    .toSorted((a, b) => (a.policy < b.policy ? -1 : 1))
    .map((bucket) => {
      const { capacity, perSecond } = policies[bucket.policy];
      return sql`(${bucketId(bucket)}, ${capacity}::float8, ${perSecond}::float8)`;
    });
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
          forgetAt: sql<string>`${forgottenAt}`.as("forget_at"),
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
        forgetAt: sql`excluded.forget_at`,
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
export function allGranted(q: Reader, buckets: readonly FixedBucket[]): SQL {
  const ids = buckets.map(bucketId);
  return not(
    exists(
      q
        .select({ one: sql`1` })
        .from(rateBucketTable)
        .where(and(sql`${rateBucketTable.id} in ${ids}`, not(rateBucketTable.granted))),
    ),
  );
}

/** The states of buckets by the rows that `takeTokens` returned. */
export const statesOf = (
  taken: readonly (Policy & { id: string; tokens: number; granted: boolean })[],
): BucketState[] => taken.map(({ id, ...bucket }) => stateOf(id.split(":")[0] ?? "", bucket));

/** @throws Failure limited, with the seconds until the bucket is full again */
export function refuseLimited(state: { granted: boolean; reset: number } | undefined): void {
  if (!state || state.granted) return;
  throw new Failure("limited", "rate_limited", "Too many requests. Retry after `Retry-After` seconds.", {
    retryAfter: state.reset,
  });
}

/** Takes tokens of an address, before any tenant is known. @throws Failure limited */
export async function admitAddress(policy: FixedName, address: string, cost = 1): Promise<void> {
  const { capacity, perSecond } = policies[policy];
  const [rows] = await queryPlatform(["take_token", `${policy}:${addressKey(address)}`, capacity, perSecond, cost]);
  const [row] = (rows ?? []) as { granted: boolean; tokens: number }[];
  if (row) refuseLimited(stateOf(policy, { capacity, perSecond, tokens: Number(row.tokens), granted: row.granted }));
}
