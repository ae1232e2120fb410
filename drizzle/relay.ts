import { PgDialect } from "drizzle-orm/pg-core";
import type { Client } from "./client.js";
import { BEGIN, COMMIT, type Tx, transactionOf } from "./transaction.js";

/**
 * Runs `run` in a transaction of the role `stoa_relay`, which serves all tenants: the role reads and marks the pointers
 * of the outbox and of due jobs, and has access to no other data.
 */
export async function withRelay<T>(client: Client, run: (tx: Tx) => Promise<T>): Promise<T> {
  const connection = await client.connect();
  let broken = true;
  try {
    connection.defer(BEGIN); // it travels with the first query
    const result = await run(transactionOf(connection, new PgDialect()));
    await connection.send([COMMIT]);
    broken = false;
    return result;
  } finally {
    client.release(connection, broken); // closing a broken connection rolls back and frees its locks
  }
}
