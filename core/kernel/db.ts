import { AsyncLocalStorage } from "node:async_hooks";
import type { Connection } from "../../drizzle/connection.js";
import type { Statement } from "../../drizzle/flush.js";
import { callPlatform, type PlatformCall } from "../../drizzle/platform.js";
import { type Reader, type Results, TenantReader, toStatements, type Unexecuted } from "../../drizzle/reader.js";
import { type ReadInTransaction, readTenant, type Tx, withTenant } from "../../drizzle/tenant.js";
import { context, tenantId, verifyCaller } from "./actor.js";
import { translateFaults } from "./database.js";
import { type Claim, checkClaim, claimQueries, storeQueries } from "./idempotency.js";
import { emptyOutbox, type Outbox, outboxQueries } from "./outbox.js";

interface OpenTransaction {
  tx: Tx;
  connection: Connection;
  read: ReadInTransaction;
  tenantId: string;
  /** Events and jobs of this transaction, written in one statement before COMMIT. */
  outgoing: Outbox;
  /** Whether it has ended: work that nothing waited for may still run. */
  isOver?: true;
  /** Whether several runs share it, so that no one of them can be rolled back alone. */
  isShared?: true;
}

const openTransaction = new AsyncLocalStorage<OpenTransaction>();

/** Called after a commit that left events or jobs behind; set by the entry, because the domain knows no queue. */
let nudge: () => Promise<void> = async () => undefined;
export const setNudge = (run: typeof nudge) => {
  nudge = run;
};

/**
 * Runs `run` in a transaction of the actor's tenant, or joins the one that is open. `run` may run again after a
 * deadlock, so it calls nothing but the database. Queries that are awaited together travel as one message.
 * @throws Failure unavailable when the database cannot be reached
 */
export async function db<T>(run: (tx: Tx) => Promise<T>): Promise<T> {
  const open = openTransaction.getStore();
  return open ? run(requireSameTenant(open).tx) : transact(undefined, run);
}

/**
 * Runs a transaction that may carry the claim of an idempotency key, and joins none. A credential that was not looked up
 * yet is looked up in the message of BEGIN, and refused before `run`.
 * @see idempotent.ts, its only caller beside db()
 */
export async function transact<T>(claim: Claim | undefined, run: (tx: Tx) => Promise<T>): Promise<T> {
  const id = tenantId();
  const current = context();
  if (current.credential?.isVerified === false) await verifyCredential();
  let left = emptyOutbox();
  let lookUp: readonly Unexecuted[] = [];
  /** A look-up that also takes tokens is a transaction of its own, which holds their locks no longer than a moment. */
  const isOwn = () => lookUp.length > 1;
  const result = await translateFaults((client) =>
    withTenant(
      client,
      id,
      (tx, { before, atBegin }, readInTransaction, connection) => {
        verifyCaller(isOwn() ? before : atBegin.slice(0, lookUp.length));
        const open: OpenTransaction = {
          tx,
          connection,
          read: readInTransaction,
          tenantId: id,
          outgoing: emptyOutbox(),
        };
        if (claim) checkClaim(claim, isOwn() ? atBegin : atBegin.slice(lookUp.length));
        return openTransaction.run(open, async () => {
          try {
            const done = await run(tx);
            left = open.outgoing;
            return done;
          } finally {
            open.isOver = true;
          }
        });
      },
      {
        before(q) {
          lookUp = current.credential?.queries(q) ?? [];
          return isOwn() ? lookUp : [];
        },
        atBegin: (q) => [...(isOwn() ? [] : lookUp), ...(claim ? claimQueries(q, claim) : [])],
        atCommit: (q) => [...outboxQueries(q, left), ...(claim ? storeQueries(q, claim) : [])],
      },
    ),
  );
  if (left.events.length + left.jobs.length > 0) await nudge();
  return result;
}

/**
 * Reads of the actor's tenant in one round trip: takes queries that are built and not executed, and sends them as one
 * batch, with the credential's when it was not looked up yet. In an open transaction they are sent there, as one
 * message: each query is a statement of its own, so that it sees the commits that came while the one before it waited
 * for a lock.
 * @throws Failure of the credential, or unavailable
 */
export async function read<Query extends Unexecuted>(build: (q: Reader) => Query): Promise<Awaited<Query>>;
export async function read<const Queries extends readonly Unexecuted[]>(
  build: (q: Reader) => Queries,
): Promise<Results<Queries>>;
export async function read(build: (q: Reader) => Unexecuted | readonly Unexecuted[]): Promise<unknown> {
  const open = openTransaction.getStore();
  if (!open) {
    if (context().credential?.isVerified === false) await verifyCredential();
    return readBatch(build);
  }
  return requireSameTenant(open).read(build);
}

async function readBatch(build: (q: Reader) => Unexecuted | readonly Unexecuted[]): Promise<unknown> {
  const current = context();
  const { credential } = current;
  let single = false;
  let own = 0;
  const results: readonly unknown[] = await translateFaults((client) =>
    readTenant(client, tenantId(), (q) => {
      const built = build(q);
      single = !Array.isArray(built);
      const queries = [built].flat() as readonly Unexecuted[];
      own = queries.length;
      // The tokens last: the lock on the tenant's bucket is held for this statement and the commit only.
      return [...queries, ...(credential?.queries(q) ?? [])];
    }),
  );
  verifyCaller(results.slice(own));
  return single ? results[0] : results.slice(0, own);
}

/** Looks the credential up now; does nothing when it is known. @throws Failure */
export async function verifyCredential(): Promise<void> {
  if (context().credential && !openTransaction.getStore()) await readBatch(() => []);
}

/**
 * Calls platform functions, which need no tenant, in one round trip.
 * @returns the rows of each call
 * @throws Failure unavailable
 */
export function queryPlatform(...calls: readonly PlatformCall[]): Promise<unknown[][]> {
  if (openTransaction.getStore()) throw new Error("A transaction holds the only connection, so this call would wait.");
  return translateFaults((client) => callPlatform(client, calls));
}

/**
 * Sends a write of the open transaction with the next message, at the latest with COMMIT, and returns no rows. An error
 * of the write rejects the other statements of that message, so a write that a business rule may refuse is not deferred.
 */
export function defer(query: Unexecuted | ((q: Reader) => Unexecuted)): void {
  const { connection, tenantId: id } = requireOpen("defer() belongs inside db().");
  const built = typeof query === "function" ? query(new TenantReader(id) as unknown as Reader) : query;
  for (const statement of toStatements([built]).statements) connection.defer(statement);
}

/**
 * Runs several parts of the open transaction beside one another, so that their statements travel together. All have
 * ended when it returns, because the transaction must not end before one of them.
 * @throws the first failure
 */
export async function runBeside(runs: readonly (() => Promise<unknown>)[]): Promise<void> {
  requireOpen("Parts of a transaction need one.").isShared = true;
  const ended = await Promise.allSettled(runs.map((run) => run()));
  const failed = ended.find((run) => run.status === "rejected");
  if (failed) throw failed.reason;
}

/**
 * Runs a part of a transaction that can be rolled back alone, its rows together with its events and jobs. It costs no
 * round trip: its savepoint travels with its first statement.
 * @throws the error of `run`, after the rollback to the savepoint
 */
export async function withSavepoint<T>(run: () => Promise<T>): Promise<T> {
  const open = requireOpen("A savepoint needs an open transaction.");
  if (open.isShared) throw new Error("A savepoint would take in the statements of others that share the transaction.");
  const { connection } = open;
  const { events, jobs } = open.outgoing;
  const before = { events: [...events], jobs: [...jobs] };
  const savepoint: Statement = { text: "savepoint part", values: [] };
  connection.defer(savepoint);
  try {
    const result = await run();
    connection.defer({ text: "release savepoint part", values: [] });
    return result;
  } catch (error) {
    open.outgoing = before;
    if (connection.isWaiting(savepoint)) connection.drop(savepoint);
    else await rollbackTo(connection, "part");
    throw error;
  }
}

/** Rolls the open transaction back to the claim of its idempotency key, its events and jobs included. */
export async function rollbackEffect(): Promise<void> {
  const open = requireOpen("The effect of a claim is a transaction.");
  open.outgoing = emptyOutbox();
  await rollbackTo(open.connection, "effect");
}

async function rollbackTo(connection: Connection, savepoint: string): Promise<void> {
  connection.drop();
  const release = savepoint === "part" ? [{ text: `release savepoint ${savepoint}`, values: [] }] : [];
  await connection.send([{ text: `rollback to savepoint ${savepoint}`, values: [] }, ...release]);
}

/** The outgoing messages of the open transaction. @throws Error outside of one, because they would be lost */
export const currentOutbox = (): Outbox => requireOpen("emit() and enqueue() belong inside db().").outgoing;

/** @throws Error outside of a transaction */
function requireOpen(reason: string): OpenTransaction {
  const open = openTransaction.getStore();
  if (!open) throw new Error(reason);
  return requireSameTenant(open);
}

/** A transaction belongs to one tenant: an actor of another one cannot join it. */
function requireSameTenant(open: OpenTransaction): OpenTransaction {
  if (open.tenantId !== tenantId()) throw new Error("The open transaction belongs to another tenant.");
  if (open.isOver) throw new Error("The transaction has ended, and something that nothing waits for goes on.");
  return open;
}
