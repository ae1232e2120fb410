import { type SQL, sql } from "drizzle-orm";
import type { Reader } from "../../drizzle/reader.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import type { Answer, Ask } from "./lease.js";
import { BURST } from "./policy.js";

/** The largest part of a bucket's tokens that one process leases, so that the others find some. */
const LEASE_SHARE = sql.raw("8");

/** The parameter of `leaseTokens`: one text, so that the statement is the same for any number of buckets. */
export const askText = (asks: readonly Ask[]): string => JSON.stringify(asks);

/** The rows that `leaseTokens` returned. */
export const answersOf = (result: unknown): Answer[] => (result as { rows: Answer[] } | undefined)?.rows ?? [];

/** The tokens now: those at the last request and the refill since then, at most the capacity. */
const refilled = (row: string, refilledAt: string, tokens: string, from: string) =>
  sql.raw(`least(${row}.capacity, ${tokens}
    + ${row}.per_second * greatest(0, extract(epoch from ${refilledAt} - ${from})::float8))`);

/** What a bucket of so many tokens gives: at least one, if it has one. */
const given = (level: string) =>
  sql`case when ${sql.raw(level)} >= 1 then least(want, greatest(1, floor(${sql.raw(level)} / ${LEASE_SHARE}))) else 0 end`;

/**
 * Takes the tokens that are owed, and leases those that are wanted, from the rows of several buckets in one statement. The
 * tenant's bucket, whose size is in the tenant's row, gives tokens only when the other ones have: a limited caller
 * spends no quota of the others. The order of the rows allows no deadlock.
 * @param asks `askText()`, or its placeholder
 * @param isKnown the condition for taking tokens: an invented credential spends no quota
 */
export function leaseTokens(q: Reader, asks: string, isKnown: SQL) {
  const rate = q.select({ rate: tenantTableRoot.requestRate }).from(tenantTableRoot);
  const columns = sql`"perSecond" is null as shared, id, want, owed`;
  return q.execute(sql`
    with asked as materialized (
      select ${columns}, coalesce(capacity, ${BURST}::float8 * ${rate}) as capacity, coalesce("perSecond", ${rate}) as per_second
        from json_to_recordset(${asks}::json)
          as ask (id text, capacity float8, "perSecond" float8, want float8, owed float8)
       where ${isKnown}),
    own as (${upsert(sql`not shared`)}),
    tenants as (${upsert(sql`shared and not exists (select from own where not granted)`)})
    select * from own union all select * from tenants`);
}

const upsert = (condition: SQL) => sql`
  insert into rate_bucket as bucket
    (tenant_id, created_at, updated_at, id, capacity, per_second, tokens, granted, refilled_at)
  select nullif(current_setting('app.tenant_id', true), '')::uuid, now(), now(), id, capacity, per_second,
         capacity - owed - ${given("(capacity - owed)")}, true, clock_timestamp()
    from asked where ${condition} order by id
  on conflict (tenant_id, id) do update set
    capacity = excluded.capacity, per_second = excluded.per_second, forget_at = excluded.forget_at,
    (tokens, granted, refilled_at) = (
      select level - ${given("level")}, level >= 1, greatest(excluded.refilled_at, bucket.refilled_at)
        from (select want, ${refilled("excluded", "excluded.refilled_at", "bucket.tokens", "bucket.refilled_at")} - owed as level
                from asked where asked.id = excluded.id) as levels)
  returning new.id, new.tokens, new.granted, new.capacity, new.per_second as "perSecond",
    coalesce(${refilled("new", "new.refilled_at", "old.tokens", "old.refilled_at")}, new.capacity) as before`;
