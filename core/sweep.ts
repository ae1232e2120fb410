import { lt, sql } from "drizzle-orm";
import { uuidToTypeId } from "../drizzle/typeid.js";
import { db, platform } from "./db.js";
import { KEPT } from "./idempotency.js";
import { idempotencyTable } from "./idempotency.sql.js";

/** Tenants that have something past its time, by the clock of the database. */
export async function dueTenants(): Promise<string[]> {
  const [rows = []] = await platform(["due_tenants"]);
  return (rows as { id: string }[]).map(({ id }) => uuidToTypeId("ten", id));
}

/** Forgets answers of the actor's tenant that are older than 72 hours. */
export const forgetAnswers = () =>
  db(async (tx) => {
    const gone = await tx
      .delete(idempotencyTable)
      .where(lt(idempotencyTable.createdAt, sql`now() - make_interval(hours => ${KEPT})`))
      .returning({ id: idempotencyTable.id });
    return gone.length;
  });
