import { NeonSession, NeonTransaction } from "drizzle-orm/neon-serverless";
import type { PgDialect } from "drizzle-orm/pg-core";
import type { Connection } from "./connection.js";
import type { Statement } from "./flush.js";

type Schema = Record<string, never>;

/** An open transaction. */
export type Tx = NeonTransaction<Schema, Schema>;

export const BEGIN: Statement = { text: "begin", values: [] };
export const COMMIT: Statement = { text: "commit", values: [] };
export const ROLLBACK: Statement = { text: "rollback", values: [] };

type Query = string | { text: string; values?: unknown[]; rowMode?: "array" };

/**
 * Drizzle's queries on a connection: those that are awaited together travel as one message. A query that comes after the
 * end of the transaction fails, because the connection may be another tenant's by then.
 */
export function transactionOf(connection: Connection, dialect: PgDialect): Tx {
  const { borrowing } = connection;
  const query = async (given: Query, params?: unknown[]) => {
    if (connection.borrowing !== borrowing) throw new Error("The transaction of this query has ended.");
    const { text, values, rowMode } = typeof given === "string" ? { text: given } : given;
    return connection.query({ text, values: params ?? values ?? [], ...(rowMode && { rowMode }) });
  };
  return new NeonTransaction(dialect, new NeonSession({ query } as never, dialect, undefined), undefined);
}
