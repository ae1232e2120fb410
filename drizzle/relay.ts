import { NeonSession, NeonTransaction } from "drizzle-orm/neon-serverless";
import { PgDialect } from "drizzle-orm/pg-core";
import type { Client } from "./client.js";
import type { Tx } from "./tenant.js";

/**
 * Runs `run` in a transaction of the role `stoa_relay`, which serves all tenants: the role reads and marks the pointers
 * of the outbox and of due jobs, and has access to no other data.
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
    client.release(connection, broken); // closing a broken connection rolls back and frees its locks
  }
}
