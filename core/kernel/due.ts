import { inArray, lt, sql } from "drizzle-orm";
import { uuidToTypeId } from "../../drizzle/typeid.js";
import { db, queryPlatform } from "./db.js";
import { RETENTION_HOURS } from "./idempotency.js";
import { idempotencyTable } from "./idempotency.sql.js";

/** Tenants that have something past its time, by the clock of the database; what belongs to nobody goes on the way. */
export async function listDueTenants(): Promise<string[]> {
  const [rows = []] = await queryPlatform(["due_tenants"], ["forget_buckets"], ["forget_stripe_events"]);
  // In no order: when there is more to do than time, another one comes last each time.
  return (rows as { id: string }[]).map(({ id }) => uuidToTypeId("ten", id)).sort(() => Math.random() - 0.5);
}

/** Forgets answers of the actor's tenant that are older than 72 hours. */
export const deleteOldAnswers = () =>
  db(async (tx) => {
    const old = tx
      .select({ id: idempotencyTable.id })
      .from(idempotencyTable)
      .where(lt(idempotencyTable.createdAt, sql`now() - make_interval(hours => ${RETENTION_HOURS})`))
      .limit(5_000);
    const gone = await tx
      .delete(idempotencyTable)
      .where(inArray(idempotencyTable.id, old))
      .returning({ id: idempotencyTable.id });
    return gone.length;
  });
