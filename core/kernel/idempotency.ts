import { and, desc, eq, inArray, ne, sql } from "drizzle-orm";
import { asRow, prepared } from "../../drizzle/prepared.js";
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
  /** How many answers are kept of this caller, when there may be any number of such callers. */
  kept?: number | undefined;
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

/** The stored answers of a caller beyond so many, refusals before all others, then the oldest. */
const oldAnswers = (q: Reader, { principal, kept }: { principal: string; kept: number }) =>
  q
    .select({ id: idempotencyTable.id })
    .from(idempotencyTable)
    .where(
      and(
        // A key has no space, and `!` is the character after it.
        sql`${idempotencyTable.id} > ${principal}::text || ' '`,
        sql`${idempotencyTable.id} < ${principal}::text || '!'`,
        ne(idempotencyTable.status, IN_PROGRESS.status),
      ),
    )
    .orderBy(desc(sql`${idempotencyTable.status} < 400`), desc(idempotencyTable.createdAt))
    .offset(sql`${kept}::int - 1` as never);

interface Stored extends StoredAnswer {
  id: string;
  fingerprint: string;
  few?: { principal: string; kept: number } | undefined;
}

const store = prepared((q, { id, fingerprint, few, ...answer }: Stored) => {
  const forgotten =
    few &&
    q.$with("forgotten").as(
      q
        .with()
        .delete(idempotencyTable)
        .where(inArray(idempotencyTable.id, oldAnswers(q, few)))
        .returning({ id: idempotencyTable.id }),
    );
  return (
    (forgotten ? q.with(forgotten) : q)
      .insert(idempotencyTable)
      .values({ id, fingerprint, ...answer })
      // A row that is there already belongs to a write in progress: a completed one was replayed.
      .onConflictDoUpdate({
        target: [idempotencyTable.tenantId, idempotencyTable.id],
        set: { ...answer, updatedAt: sql`now()` },
        setWhere: eq(idempotencyTable.status, IN_PROGRESS.status),
      })
  );
});

/** The queries that store the answer; they travel with COMMIT. */
export const storeQueries = (q: Reader, claim: Claim): readonly Unexecuted[] =>
  claim.answer
    ? [store(q, { id: rowId(claim), fingerprint: claim.fingerprint, few: fewOf(claim), ...claim.answer })]
    : [];

const fewOf = ({ principal, kept }: Claim) => (kept === undefined ? undefined : asRow({ principal, kept }));

/**
 * Frees the key of a write whose provider's call has failed, so that a retry need not wait for the end of the lease.
 */
export const releaseClaim = (tx: Tx, claim: Claim) =>
  tx
    .update(idempotencyTable)
    .set({ updatedAt: sql`now() - make_interval(secs => ${LEASE + 1})` })
    .where(and(eq(idempotencyTable.id, rowId(claim)), eq(idempotencyTable.status, IN_PROGRESS.status)));
