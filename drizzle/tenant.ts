import type { Client } from "./client.js";
import type { Connection } from "./connection.js";
import { TenantDialect } from "./dialect.js";
import { isConnectionError, isContention, isLostStatement } from "./fault.js";
import type { Answer, Statement } from "./flush.js";
import { type Reader, type Results, sendQueries, TenantReader, toStatements, type Unexecuted } from "./reader.js";
import { BEGIN, COMMIT, ROLLBACK, type Tx, transactionOf } from "./transaction.js";
import { typeIdToUuid } from "./typeid.js";

export type { Tx } from "./transaction.js";

/** Statements that save a round trip, because they travel with BEGIN or with COMMIT. */
export interface TransactionStatements {
  /** Sent before BEGIN, as a transaction of their own. */
  before?: (q: Reader) => readonly Unexecuted[];
  /** Sent after BEGIN. */
  atBegin?: (q: Reader) => readonly Unexecuted[];
  /** Sent before COMMIT. */
  atCommit?: (q: Reader) => readonly Unexecuted[];
}

/** The results of the statements before and at BEGIN. */
interface BeginResults {
  before: readonly unknown[];
  atBegin: readonly unknown[];
}

/** Sends built queries of the open transaction as one message; each is a statement of its own. */
export type ReadInTransaction = (build: (q: Reader) => Unexecuted | readonly Unexecuted[]) => Promise<unknown>;

/** The work of a transaction; it gets the results of the statements at BEGIN. */
export type Work<T> = (tx: Tx, begun: BeginResults, read: ReadInTransaction, connection: Connection) => Promise<T>;

const ATTEMPTS = 3;
/** A silence at BEGIN means that the connection is lost. Milliseconds. */
const BEGIN_TIMEOUT = 5_000;

/** Sets the tenant of row-level security until the end of the transaction. */
const setContext = (tenantId: string): Statement => ({
  text: "select set_config('app.tenant_id', $1, true)",
  values: [typeIdToUuid("ten", tenantId)],
});

/**
 * Runs queries of one tenant as one message, which is one transaction.
 * @param tenantId TypeID of the tenant
 */
export async function readTenant<const Queries extends readonly Unexecuted[]>(
  client: Client,
  tenantId: string,
  build: (q: Reader) => Queries,
): Promise<Results<Queries>> {
  const { statements, mapAnswers } = toStatements(build(new TenantReader(tenantId) as unknown as Reader));
  const answers = await client.query((connection) => connection.send([setContext(tenantId), ...statements]));
  return mapAnswers(answers.slice(1)) as Results<Queries>;
}

/**
 * Runs `run` in a transaction of one tenant. After a deadlock, a lock timeout or a lost statement it runs again, three
 * times at most, so `run` must change only the database.
 * @param tenantId TypeID of the tenant
 */
export async function withTenant<T>(
  client: Client,
  tenantId: string,
  run: Work<T>,
  statements: TransactionStatements = {},
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await runAttempt(client, tenantId, run, statements);
    } catch (error) {
      if (attempt === ATTEMPTS || !(isContention(error) || isLostStatement(error))) throw error;
      await new Promise((resume) => setTimeout(resume, 5 * 2 ** attempt * (0.5 + Math.random())));
    }
  }
}

async function runAttempt<T>(
  client: Client,
  tenantId: string,
  run: Work<T>,
  { before, atBegin, atCommit }: TransactionStatements,
): Promise<T> {
  const reader = new TenantReader(tenantId) as unknown as Reader;
  const { connection, begun } = await beginTransaction(
    client,
    tenantId,
    before?.(reader) ?? [],
    atBegin?.(reader) ?? [],
  );
  let broken = true;
  try {
    const tx = transactionOf(connection, new TenantDialect(tenantId));
    const result = await run(tx, begun, (build) => readInTransaction(connection, reader, build), connection);
    if (connection.lost) throw connection.lost; // `run` may have caught the error, but the transaction is aborted
    const { statements } = toStatements(atCommit?.(reader) ?? []);
    const committed = await connection.send([...statements, COMMIT]);
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

async function readInTransaction(connection: Connection, reader: Reader, build: Parameters<ReadInTransaction>[0]) {
  const built = build(reader);
  const results = await sendQueries(connection, [built].flat() as readonly Unexecuted[]);
  return Array.isArray(built) ? results : results[0];
}

/** A dead connection is replaced once: before BEGIN no statement of the transaction has run. */
async function beginTransaction(
  client: Client,
  tenantId: string,
  before: readonly Unexecuted[],
  atBegin: readonly Unexecuted[],
): Promise<{ connection: Connection; begun: BeginResults }> {
  const [first, second] = [toStatements(before), toStatements(atBegin)];
  const start = [BEGIN, setContext(tenantId)];
  const own = before.length > 0 ? [...start, ...first.statements, COMMIT] : [];
  for (let attempt = 1; ; attempt += 1) {
    const connection = await client.connect();
    try {
      const answers: readonly Answer[] = await connection.send([...own, ...start, ...second.statements], BEGIN_TIMEOUT);
      const begun = {
        before: first.mapAnswers(answers.slice(start.length)),
        atBegin: second.mapAnswers(answers.slice(own.length + start.length)),
      };
      return { connection, begun };
    } catch (error) {
      const broken = isConnectionError(error) || !(await rollback(connection));
      client.release(connection, broken);
      if (attempt === 2 || !(isConnectionError(error) || connection.lost)) throw error;
    }
  }
}

/** @returns whether the connection can be used again */
async function rollback(connection: Connection): Promise<boolean> {
  connection.drop();
  return connection.send([ROLLBACK]).then(
    () => true,
    () => false,
  );
}
