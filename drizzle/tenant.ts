import type { PoolClient } from "@neondatabase/serverless";
import { type SQL, sql } from "drizzle-orm";
import { NeonSession, NeonTransaction } from "drizzle-orm/neon-serverless";
import type { Client } from "./client.js";
import { TenantDialect } from "./dialect.js";
import { isConnectionError, isContention, onceMore } from "./fault.js";
import { TenantReader } from "./prepared.js";
import { typeIdToUuid } from "./typeid.js";

type Schema = Record<string, never>;

/** An open transaction, confined to one tenant. */
export type Tx = NeonTransaction<Schema, Schema>;

/** What a read may use: it builds queries, and the door executes them. */
export type Reader = Pick<
  Tx,
  "select" | "selectDistinct" | "selectDistinctOn" | "with" | "$with" | "execute" | "insert"
>;

/** A query that is built and not yet executed. */
export interface Unexecuted<Row = unknown> extends PromiseLike<Row> {
  getSQL(): SQL;
}
export type Results<Queries extends readonly Unexecuted[]> = { -readonly [I in keyof Queries]: Awaited<Queries[I]> };

export interface Surround {
  /** Statements that travel in the message of BEGIN; their rows are handed to `run`. */
  opening?: (q: Reader) => readonly SQL[];
  /** Statements that travel in the message of COMMIT. */
  closing?: (q: Reader) => readonly SQL[];
}

/** The rows of the opening statements, as the driver gives them. */
export type Opened = readonly { rows: Record<string, unknown>[] }[];

const ATTEMPTS = 3;
const setContext = (tenantId: string) =>
  sql`select set_config('app.tenant_id', ${typeIdToUuid("ten", tenantId)}, true)`;

/** Statements as one text: the simple protocol has no parameters, so each value is quoted by the dialect. */
function inline(dialect: TenantDialect, statements: readonly SQL[]): string {
  const text = statements.map((statement) => dialect.sqlToQuery(statement.inlineParams()).sql).join(";\n");
  if (text.includes("\0")) throw new Error("A statement cannot carry U+0000.");
  return text;
}

/**
 * Runs queries of one tenant as one batch: a single round trip over HTTP, one transaction.
 * @param tenantId TypeID of the tenant
 */
export async function readTenant<const Queries extends readonly Unexecuted[]>(
  client: Client,
  tenantId: string,
  build: (q: Reader) => Queries,
): Promise<Results<Queries>> {
  const q = new TenantReader(client, tenantId);
  const queries = [q.execute(setContext(tenantId)), ...build(q as unknown as Reader)];
  const results: readonly unknown[] = await onceMore(() => q.batch(queries as never));
  return results.slice(1) as Results<Queries>;
}

/**
 * Runs `run` in a transaction of one tenant. It may run again, up to three times in all, after a deadlock
 * or a lock that was not had in time: it changes nothing but the database.
 * @param tenantId TypeID of the tenant
 */
export async function withTenant<T>(
  client: Client,
  tenantId: string,
  run: (tx: Tx, opened: Opened) => Promise<T>,
  surround: Surround = {},
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await attemptOnce(client, tenantId, run, surround);
    } catch (error) {
      if (attempt === ATTEMPTS || !isContention(error)) throw error;
      await new Promise((resume) => setTimeout(resume, 5 * 2 ** attempt * (0.5 + Math.random())));
    }
  }
}

async function attemptOnce<T>(
  client: Client,
  tenantId: string,
  run: (tx: Tx, opened: Opened) => Promise<T>,
  around: Surround,
) {
  const dialect = new TenantDialect(tenantId);
  const reader = new TenantReader(client, tenantId) as unknown as Reader;
  const begin = inline(dialect, [sql`begin`, setContext(tenantId), ...(around.opening?.(reader) ?? [])]);
  const { connection, opened } = await open(client, begin);
  const tx: Tx = new NeonTransaction(dialect, new NeonSession(connection, dialect, undefined), undefined);
  let broken = true;
  try {
    const result = await run(tx, opened.slice(2));
    const closed = [await connection.query(inline(dialect, [...(around.closing?.(reader) ?? []), sql`commit`]))].flat();
    broken = false;
    // After a failed statement that somebody swallowed, Postgres answers COMMIT with ROLLBACK and no error.
    if (closed.at(-1)?.command !== "COMMIT") throw new Error("The transaction was rolled back at COMMIT.");
    return result;
  } catch (error) {
    if (broken) broken = !(await rollback(connection));
    throw error;
  } finally {
    client.release(connection, broken);
  }
}

/** Begins; once more on a new connection when the old one turns out to be dead, because nothing has happened yet. */
async function open(client: Client, begin: string) {
  for (let attempt = 1; ; attempt += 1) {
    const connection = await client.connect();
    try {
      const opened = (await connection.query({ text: begin, query_timeout: 5_000 } as never)) as unknown;
      return { connection, opened: opened as Opened };
    } catch (error) {
      client.release(connection, true);
      if (attempt === 2 || !isConnectionError(error)) throw error;
    }
  }
}

async function rollback(connection: PoolClient): Promise<boolean> {
  try {
    await connection.query("rollback");
    return true;
  } catch {
    return false;
  }
}
