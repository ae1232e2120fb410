import { getTableName, inArray, lt, sql } from "drizzle-orm";
import { rulesOf, type TenantTable } from "../../drizzle/table.js";
import { uuidToTypeId } from "../../drizzle/typeid.js";
import { db, queryPlatform } from "./db.js";
import { idempotencyTable, RETENTION_HOURS } from "./idempotency.sql.js";

/** Tables with rows that become due: the sweep searches each of them. */
export const dueTables = (tables: readonly TenantTable[]): string[] =>
  tables.filter((table) => rulesOf(table).due.length > 0).map(getTableName);

/**
 * Lists the tenants that have due rows in a table, by the clock of the database.
 * @throws Failure unavailable, also when the database is slow
 */
export async function listDueTenants(table: string): Promise<string[]> {
  const [rows = []] = await queryPlatform(["due_tenants", table]);
  return (rows as { id: string }[]).map(({ id }) => uuidToTypeId("ten", id));
}

/** The most rows of one table that one run of a sweep deletes. A full slice is followed by another one. */
export const SLICE = 5_000;

const deleteOld = async (name: "forget_buckets" | "forget_addresses" | "forget_stripe_events"): Promise<number> => {
  const [rows] = await queryPlatform([name]);
  return Number((rows as { forgotten: string }[])[0]?.forgotten ?? 0);
};
/** Deletes a slice of the rate-limit buckets that are full again, of all tenants. @returns how many */
export const deleteFullBuckets = () => deleteOld("forget_buckets");
/** Deletes a slice of those of callers without a tenant. @returns how many */
export const deleteFullAddresses = () => deleteOld("forget_addresses");
/** Deletes a slice of Stripe's events of more than 90 days ago, of all tenants and of none. @returns how many */
export const deleteOldStripeEvents = () => deleteOld("forget_stripe_events");

/** Deletes a slice of the tenant's answers that were stored more than RETENTION_HOURS ago. @returns how many */
export const deleteOldAnswers = () =>
  db(async (tx) => {
    const old = tx
      .select({ id: idempotencyTable.id })
      .from(idempotencyTable)
      .where(lt(idempotencyTable.createdAt, sql`now() - make_interval(hours => ${RETENTION_HOURS})`))
      .orderBy(idempotencyTable.createdAt)
      .limit(SLICE)
      .for("update", { skipLocked: true });
    const gone = await tx
      .delete(idempotencyTable)
      .where(inArray(idempotencyTable.id, old))
      .returning({ id: idempotencyTable.id });
    return gone.length;
  });
