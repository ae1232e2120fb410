import { AsyncLocalStorage } from "node:async_hooks";
import { sql } from "drizzle-orm";
import { Client } from "../../drizzle/client.js";
import { isConnectionError, isContention, isTimeout } from "../../drizzle/fault.js";
import journal from "../../drizzle/migrations/meta/_journal.json" with { type: "json" };
import { callPlatform, type PlatformCall } from "../../drizzle/platform.js";
import type { Reader, Results, Unexecuted } from "../../drizzle/reader.js";
import { checkRole, RoleError } from "../../drizzle/role.js";
import { type ReadInTransaction, readTenant, type Tx, withTenant } from "../../drizzle/tenant.js";
import { context, tenantId } from "./actor.js";
import { config } from "./config.js";
import { Failure } from "./error.js";
import { type Claim, checkClaim, claimStatements, storeStatements } from "./idempotency.js";
import { emptyOutbox, type Outbox, outboxStatements } from "./outbox.js";

interface OpenTransaction {
  tx: Tx;
  read: ReadInTransaction;
  tenantId: string;
  /** Events and jobs of this transaction, written in one statement before COMMIT. */
  outgoing: Outbox;
}

const openTransaction = new AsyncLocalStorage<OpenTransaction>();

let checked: Promise<Client> | undefined;
/**
 * The client of the tenants' data, after a check that row-level security applies to its role.
 * @throws RoleError when the role can bypass it
 */
function database(): Promise<Client> {
  checked ??= (async () => {
    const client = new Client({ url: config.DATABASE_URL, proxy: config.NEON_PROXY });
    await checkRole(client);
    return client;
  })();
  checked.catch(() => {
    checked = undefined;
  });
  return checked;
}

/** Called after a commit that left events or jobs behind; set by the entry, because the domain knows no queue. */
let nudge: () => Promise<void> = async () => undefined;
export const setNudge = (run: typeof nudge) => {
  nudge = run;
};

/**
 * Runs `run` in a transaction of the actor's tenant, or joins the one that is open. `run` may run again after a
 * deadlock, so it calls nothing but the database.
 * @throws Failure unavailable when the database cannot be reached
 */
export async function db<T>(run: (tx: Tx) => Promise<T>): Promise<T> {
  const open = openTransaction.getStore();
  if (open) return run(requireSameTenant(open).tx);
  await verifyCredential();
  return transact(undefined, run);
}

/**
 * Runs a transaction that may carry the claim of an idempotency key, and joins none.
 * @see idempotent.ts, its only caller beside db()
 */
export async function transact<T>(claim: Claim | undefined, run: (tx: Tx) => Promise<T>): Promise<T> {
  const id = tenantId();
  let left = emptyOutbox();
  const result = await translateFaults((client) => {
    const open: OpenTransaction = {
      tx: undefined as never,
      read: undefined as never,
      tenantId: id,
      outgoing: emptyOutbox(),
    };
    return withTenant(
      client,
      id,
      (tx, rows, readInTransaction) => {
        open.tx = tx;
        open.read = readInTransaction;
        open.outgoing = emptyOutbox();
        if (claim) checkClaim(claim, rows);
        return openTransaction.run(open, () => run(tx));
      },
      {
        atBegin: (q) => (claim ? claimStatements(q, claim) : []),
        atCommit: (q) => {
          left = open.outgoing;
          return [...outboxStatements(q, left), ...(claim ? storeStatements(q, claim) : [])];
        },
      },
    );
  });
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
  if (credential) {
    delete current.credential; // the look-up is done, even when it is refused
    current.actor = credential.authorize(results.slice(own));
  }
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
export const queryPlatform = (...calls: readonly PlatformCall[]): Promise<unknown[][]> =>
  translateFaults((client) => callPlatform(client, calls));

/**
 * Runs a part of a transaction that can be rolled back alone, its rows together with its events and jobs.
 * @throws the error of `run`, after the rollback to the savepoint
 */
export async function withSavepoint<T>(run: () => Promise<T>): Promise<T> {
  const open = openTransaction.getStore();
  if (!open) throw new Error("A savepoint needs an open transaction.");
  const { events, jobs } = open.outgoing;
  const before = { events: [...events], jobs: [...jobs] };
  await open.tx.execute(sql`savepoint part`);
  try {
    return await run();
  } catch (error) {
    await open.tx.execute(sql`rollback to savepoint part`);
    open.outgoing = before;
    throw error;
  } finally {
    await open.tx.execute(sql`release savepoint part`);
  }
}

/** The outgoing messages of the open transaction. @throws Error outside of one, because they would be lost */
export function currentOutbox(): Outbox {
  const open = openTransaction.getStore();
  if (!open) throw new Error("emit() and enqueue() belong inside db().");
  return requireSameTenant(open).outgoing;
}

/** Rolls the open transaction back to the claim of its idempotency key, its events and jobs included. */
export async function rollbackEffect(tx: Tx): Promise<void> {
  await tx.execute(sql`rollback to savepoint effect`);
  const open = openTransaction.getStore();
  if (open) open.outgoing = emptyOutbox();
}

/** A transaction belongs to one tenant: an actor of another one cannot join it. */
function requireSameTenant(open: OpenTransaction): OpenTransaction {
  if (open.tenantId !== tenantId()) throw new Error("The open transaction belongs to another tenant.");
  return open;
}

async function translateFaults<T>(run: (client: Client) => Promise<T>): Promise<T> {
  try {
    return await run(await database());
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (isContention(error) || isTimeout(error)) {
      throw new Failure(
        "unavailable",
        "database_busy",
        "Too many requests changed the same rows. Nothing was written; retry after `Retry-After` seconds.",
        {
          retryAfter: 1,
        },
      );
    }
    if (!isConnectionError(error)) throw error;
    throw new Failure(
      "unavailable",
      "database_unavailable",
      "The database cannot be reached. Retry after `Retry-After` seconds.",
      { retryAfter: 2 },
    );
  }
}

/** The database's part of `/ready`: the database answers, its role is safe, its migrations are those of this code. */
export async function checkReadiness(): Promise<Record<"database" | "role" | "migrations", string>> {
  try {
    const client = await database();
    const { rows } = await client.http.query("select count(*)::int from drizzle.__drizzle_migrations");
    const applied = Number(rows[0]?.[0]);
    const migrations = applied >= journal.entries.length ? "ok" : `${applied} of ${journal.entries.length}`;
    return { database: "ok", role: "ok", migrations };
  } catch (error) {
    const unsafe = error instanceof RoleError;
    return { database: unsafe ? "ok" : "unreachable", role: unsafe ? "unsafe" : "unknown", migrations: "unknown" };
  }
}
