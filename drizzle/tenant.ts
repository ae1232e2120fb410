import type { PoolClient } from "@neondatabase/serverless";
import { type SQL, sql } from "drizzle-orm";
import { NeonSession, NeonTransaction } from "drizzle-orm/neon-serverless";
import type { Client } from "./client.js";
import { TenantDialect } from "./dialect.js";
import { isConnectionError, isContention, retryConnection } from "./fault.js";
import { type Reader, type Results, TenantReader, type Unexecuted } from "./reader.js";
import { typeIdToUuid } from "./typeid.js";

type Schema = Record<string, never>;

/** An open transaction, confined to one tenant. */
export type Tx = NeonTransaction<Schema, Schema>;

/** Statements that save a round trip, because they travel with BEGIN or with COMMIT. */
export interface TransactionStatements {
  /** Sent in the message of BEGIN; `run` gets their rows. */
  atBegin?: (q: Reader) => readonly SQL[];
  /** Sent in the message of COMMIT. */
  atCommit?: (q: Reader) => readonly SQL[];
}

/** The rows of the statements at BEGIN, as the driver gives them. */
export type BeginResults = readonly { rows: Record<string, unknown>[] }[];

/** Runs the built queries in the open transaction: one query, or several as one message, one after the other. */
export type ReadInTransaction = (build: (q: Reader) => Unexecuted | readonly Unexecuted[]) => Promise<unknown>;

const ATTEMPTS = 3;
const setContext = (tenantId: string) =>
  sql`select set_config('app.tenant_id', ${typeIdToUuid("ten", tenantId)}, true)`;

/** Statements as one text: the simple protocol has no parameters, so the dialect quotes each value. */
function toSimpleQuery(dialect: TenantDialect, statements: readonly SQL[]): string {
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
  const results: readonly unknown[] = await retryConnection(() => q.batch(queries as never));
  return results.slice(1) as Results<Queries>;
}

/**
 * Runs `run` in a transaction of one tenant. After a deadlock or a lock timeout it runs again, three times at most, so
 * `run` must change only the database.
 * @param tenantId TypeID of the tenant
 */
export async function withTenant<T>(
  client: Client,
  tenantId: string,
  run: (tx: Tx, begun: BeginResults, read: ReadInTransaction) => Promise<T>,
  statements: TransactionStatements = {},
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await runAttempt(client, tenantId, run, statements);
    } catch (error) {
      if (attempt === ATTEMPTS || !isContention(error)) throw error;
      await new Promise((resume) => setTimeout(resume, 5 * 2 ** attempt * (0.5 + Math.random())));
    }
  }
}

async function runAttempt<T>(
  client: Client,
  tenantId: string,
  run: (tx: Tx, begun: BeginResults, read: ReadInTransaction) => Promise<T>,
  { atBegin, atCommit }: TransactionStatements,
) {
  const dialect = new TenantDialect(tenantId);
  const reader = new TenantReader(client, tenantId) as unknown as Reader;
  const begin = toSimpleQuery(dialect, [sql`begin`, setContext(tenantId), ...(atBegin?.(reader) ?? [])]);
  const { connection, begun } = await beginTransaction(client, begin);
  const tx = transactionOf(dialect, connection);
  let broken = true;
  try {
    const result = await run(tx, begun.slice(2), (build) => readInTransaction(dialect, connection, build));
    const commit = toSimpleQuery(dialect, [...(atCommit?.(reader) ?? []), sql`commit`]);
    const committed = [await connection.query(commit)].flat();
    broken = false;
    // Postgres answers COMMIT with ROLLBACK and no error when `run` swallowed the error of a statement.
    if (committed.at(-1)?.command !== "COMMIT") throw new Error("The transaction was rolled back at COMMIT.");
    return result;
  } catch (error) {
    if (broken) broken = !(await rollback(connection));
    throw error;
  } finally {
    client.release(connection, broken);
  }
}

const transactionOf = (dialect: TenantDialect, connection: Pick<PoolClient, "query">): Tx =>
  new NeonTransaction(dialect, new NeonSession(connection as PoolClient, dialect, undefined), undefined);

interface ArrayRows {
  fields: { name: string }[];
  rows: unknown[][];
}

/** The builder maps rows only by executing a query, so that each of several queries is executed against its own rows. */
async function readInTransaction(
  dialect: TenantDialect,
  connection: PoolClient,
  build: Parameters<ReadInTransaction>[0],
): Promise<unknown> {
  const answers: ArrayRows[] = [];
  const replay = async (query: { rowMode?: string }, params: unknown[]) => {
    const answer = answers.shift();
    if (!answer) return connection.query(query as never, params);
    return query.rowMode === "array" ? answer : { ...answer, rows: answer.rows.map((row) => toObject(answer, row)) };
  };
  const built = build(transactionOf(dialect, { query: replay } as never) as unknown as Reader);
  if (!Array.isArray(built)) return built;
  const queries: readonly Unexecuted[] = built;
  const text = toSimpleQuery(
    dialect,
    queries.map((query) => query.getSQL()),
  );
  const sent: unknown = await connection.query({ text, rowMode: "array" } as never);
  answers.push(...([sent].flat() as ArrayRows[]));
  const results: unknown[] = [];
  for (const query of queries) results.push(await query);
  return results;
}

const toObject = ({ fields }: ArrayRows, row: readonly unknown[]) =>
  Object.fromEntries(fields.map(({ name }, index) => [name, row[index]]));

/** A dead connection is replaced once: before BEGIN no statement has run. */
async function beginTransaction(client: Client, begin: string) {
  for (let attempt = 1; ; attempt += 1) {
    const connection = await client.connect();
    try {
      const begun = (await connection.query({ text: begin, query_timeout: 5_000 } as never)) as unknown;
      return { connection, begun: begun as BeginResults };
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
