import { NeonSession, NeonTransaction } from "drizzle-orm/neon-serverless";
import { PgDialect } from "drizzle-orm/pg-core";
import type { Client } from "./client.js";
import type { Tx } from "./tenant.js";

/**
 * The relay's door: a transaction of role `stoa_relay`, which serves all tenants and may read and mark the pointers of
 * the outbox and of due jobs, and nothing else.
 */
export async function withRelay<T>(client: Client, run: (tx: Tx) => Promise<T>): Promise<T> {
  const connection = await client.connect();
  const dialect = new PgDialect();
  let broken = true;
  try {
    await connection.query("begin");
    const result = await run(new NeonTransaction(dialect, new NeonSession(connection, dialect, undefined), undefined));
    await connection.query("commit");
    broken = false;
    return result;
  } finally {
    client.release(connection, broken); // a broken one is closed, which rolls back and frees its locks
  }
}
