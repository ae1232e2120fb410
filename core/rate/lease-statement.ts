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

/** The tokens that a bucket gives of so many: those that the request needs, and a part of the rest in advance. */
const given = (level: string) =>
  sql`case when ${sql.raw(level)} >= need then least(want, greatest(need, floor(${sql.raw(level)} / ${LEASE_SHARE}))) else 0 end`;

/** None of these buckets has refused. */
const granted = (...places: string[]) =>
  sql.join(
    places.map((place) => sql.raw(`not exists (select from ${place} where not granted)`)),
    sql` and `,
  );

/**
 * Takes the tokens that are owed, and leases those that are wanted, from the rows of several buckets in one statement.
 * The tenant's buckets, whose size is in the tenant's row, give tokens only when the caller's own have: a limited caller
 * spends no quota of the others. The order of the rows allows no deadlock.
 * @param asks `askText()`, or its placeholder
 * @param isKnown the condition for taking tokens: an invented credential spends no quota
 */
export function leaseTokens(q: Reader, asks: string, isKnown: SQL) {
  const rate = q.select({ rate: tenantTableRoot.requestRate }).from(tenantTableRoot);
  return q.execute(sql`
    with asked as materialized (
      select place, id, owed, capacity, per_second, least(need, capacity) as need, greatest(want, least(need, capacity)) as want
        from (select place, id, need, want, owed, coalesce(capacity, ${BURST}::float8 * part * ${rate}) as capacity,
                     coalesce("perSecond", part * ${rate}) as per_second
                from json_to_recordset(${asks}::json)
                  as ask (place int, id text, capacity float8, "perSecond" float8, part float8, need float8, want float8, owed float8)
               where ${isKnown}) as sized),
    callers as (${upsert(sql`place = 0`)}),
    parts as (${upsert(sql`place = 1 and ${granted("callers")}`)}),
    tenants as (${upsert(sql`place = 2 and ${granted("callers", "parts")}`)})
    select * from callers union all select * from parts union all select * from tenants`);
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
      select level - ${given("level")}, level >= need, greatest(excluded.refilled_at, bucket.refilled_at)
        from (select need, want, ${refilled("excluded", "excluded.refilled_at", "bucket.tokens", "bucket.refilled_at")} - owed as level
                from asked where asked.id = excluded.id) as levels)
  returning new.id, new.tokens, new.granted, new.capacity, new.per_second as "perSecond",
    coalesce(${refilled("new", "new.refilled_at", "old.tokens", "old.refilled_at")}, new.capacity) as before`;
