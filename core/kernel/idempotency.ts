import { and, eq, sql } from "drizzle-orm";
import { prepared } from "../../drizzle/prepared.js";
import type { Reader, Unexecuted } from "../../drizzle/reader.js";
import type { Tx } from "../../drizzle/tenant.js";
import { Failure, invalid } from "./error.js";
import { idempotencyTable } from "./idempotency.sql.js";

export interface StoredAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

/**
 * The record of a request whose provider has not answered yet. It is in flight for the lease, longer than any request
 * may run; after that the next request with the key continues it.
 */
export const IN_PROGRESS: StoredAnswer = { status: 0, headers: {}, body: "" };
/** Seconds. */
const LEASE = 30;

/** A write that carries an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header). */
export interface Claim {
  /** The tenant's TypeID, the caller (member, secret key, customer or cart token), and the caller's key. */
  tenantId: string;
  principal: string;
  key: string;
  fingerprint: string;
  /** The answer that the COMMIT stores; set before it. */
  answer?: StoredAnswer;
}

/** The request was answered before; the edge sends the stored answer. */
export class Replay extends Error {
  override name = "Replay";
  constructor(readonly answer: StoredAnswer) {
    super("Answered before.");
  }
}

export const rowId = ({ principal, key }: Claim) => `${principal} ${key}`;

const tryLock = prepared((q, { lock }: { lock: string }) =>
  q.execute<{ free: boolean }>(sql`select pg_try_advisory_xact_lock(hashtextextended(${lock}, 0)) as free`),
);
const findStored = prepared((q, { id }: { id: string }) =>
  q
    .select({
      fingerprint: idempotencyTable.fingerprint,
      status: idempotencyTable.status,
      headers: idempotencyTable.headers,
      body: idempotencyTable.body,
      leased: sql<boolean>`${idempotencyTable.updatedAt} > now() - make_interval(secs => ${LEASE})`.as("leased"),
    })
    .from(idempotencyTable)
    .where(eq(idempotencyTable.id, id)),
);
const setSavepoint = prepared((q) => q.execute(sql`savepoint effect`));

/**
 * The queries that travel with BEGIN: a lock for the key that is tried without waiting, then the stored answer (a
 * statement of its own, because its snapshot must be younger than the lock), then the savepoint to which a refusal
 * rolls back.
 */
export const claimQueries = (q: Reader, claim: Claim): readonly Unexecuted[] => [
  tryLock(q, { lock: `${claim.tenantId} ${rowId(claim)}` }),
  findStored(q, { id: rowId(claim) }),
  setSavepoint(q, {}),
];

/** @throws Replay, or Failure in_flight or invalid */
export function checkClaim(claim: Claim, [lock, stored]: readonly unknown[]): void {
  const { rows } = lock as Awaited<ReturnType<typeof tryLock>>;
  if (!rows[0]?.free) throw inFlight();
  const [row] = stored as Awaited<ReturnType<typeof findStored>>;
  if (!row) return;
  if (row.fingerprint !== claim.fingerprint) {
    throw invalid(
      "idempotency_key_reused",
      "This Idempotency-Key was already used for a request with another path or body.",
    );
  }
  if (row.status === IN_PROGRESS.status) {
    if (row.leased) throw inFlight();
    return;
  }
  throw new Replay({ status: row.status, headers: row.headers, body: row.body });
}

const inFlight = () =>
  new Failure(
    "in_flight",
    "idempotency_key_in_flight",
    "The first request with this Idempotency-Key is still running. Retry after `Retry-After` seconds.",
    {
      retryAfter: 1,
    },
  );

const store = prepared((q, { id, fingerprint, ...answer }: StoredAnswer & { id: string; fingerprint: string }) =>
  q
    .insert(idempotencyTable)
    .values({ id, fingerprint, ...answer })
    // A row that is there already belongs to a write in progress: a completed one was replayed.
    .onConflictDoUpdate({
      target: [idempotencyTable.tenantId, idempotencyTable.id],
      set: { ...answer, updatedAt: sql`now()` },
      setWhere: eq(idempotencyTable.status, IN_PROGRESS.status),
    }),
);

/** The queries that store the answer; they travel with COMMIT. */
export const storeQueries = (q: Reader, claim: Claim): readonly Unexecuted[] =>
  claim.answer ? [store(q, { id: rowId(claim), fingerprint: claim.fingerprint, ...claim.answer })] : [];

/**
 * Frees the key of a write whose provider's call has failed, so that a retry need not wait for the end of the lease.
 */
export const releaseClaim = (tx: Tx, claim: Claim) =>
  tx
    .update(idempotencyTable)
    .set({ updatedAt: sql`now() - make_interval(secs => ${LEASE + 1})` })
    .where(and(eq(idempotencyTable.id, rowId(claim)), eq(idempotencyTable.status, IN_PROGRESS.status)));
