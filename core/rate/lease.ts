import { type Bucket, type BucketState, bucketId, type Policy, policies, sizeOfTenant, stateOf } from "./policy.js";

/** Milliseconds for which leased tokens can be spent; those that are left then are lost. */
export const LEASE_LIFE = 500;
/** Milliseconds for which a process refuses requests from memory, once the database has said that a bucket is empty. */
const EMPTY_LIFE = 50;
/** Milliseconds after which a tenant's bucket is asked again in any case, so that the headers are not older. */
const KNOWN_LIFE = 10_000;
/** The part of a second's refill that a process may owe to a bucket. */
const OWED_SHARE = 1 / 64;
/** The shortest time by which the use of tokens is measured, so that two requests at once are no trend. Milliseconds. */
const MEASURED = 100;
/** Buckets that a process remembers. */
const MAX_LEASES = 5_000;

/** What a process asks of a bucket's row. The size of a tenant's bucket is in the tenant's row. */
export interface Ask {
  id: string;
  capacity: number | null;
  perSecond: number | null;
  /** Tokens to lease; the row gives fewer when it has not many left. */
  want: number;
  /** Tokens that were spent before they were taken. */
  owed: number;
}

/** The row's answer. */
export interface Answer extends Policy {
  id: string;
  /** The tokens before they were taken, the owed ones included. */
  before: number;
  tokens: number;
  granted: boolean;
}

/** Expects the clock to jump: it is the wall's, because a monotonic one may stand still while Lambda freezes. */
const isWithin = (since: number, life: number, now: number) => now >= since && now - since < life;

/** A bucket as one process knows it: its tokens there, and those that the process took in advance or owes. */
class Lease {
  /** Leased tokens; owed ones when it is negative. */
  #balance = 0;
  #leasedAt = Number.NEGATIVE_INFINITY;
  /** Requests since the row was asked, by which the next lease is measured. */
  #spent = 0;
  #askedAt: number;
  #emptyAt = Number.NEGATIVE_INFINITY;
  /** Undefined for a tenant's bucket before its first answer. */
  #size: Policy | undefined;
  /** Tokens in the row at `#toldAt`. Until the row tells, a bucket counts as full. */
  #tokens: number;
  #toldAt: number;
  /** Whether only the row can tell: it was empty, or has changed its size. */
  #mustAsk = false;

  constructor(
    readonly bucket: Bucket,
    now: number,
  ) {
    const size = policies[bucket.policy];
    this.#size = size === "by plan" ? undefined : size;
    this.#tokens = this.#size?.capacity ?? 0;
    this.#askedAt = now;
    this.#toldAt = now;
  }

  get emptyAt(): number {
    return this.#emptyAt;
  }

  /** Decides what the next request does: spends a token of this process, asks the row, or is refused. */
  next(now: number): "spend" | "ask" | "refuse" {
    if (isWithin(this.#emptyAt, EMPTY_LIFE, now)) return "refuse";
    if (!isWithin(this.#leasedAt, LEASE_LIFE, now)) this.#balance = Math.min(0, this.#balance);
    if (this.#mustAsk) return "ask";
    if (this.#balance >= 1) return "spend";
    const isKnown = this.bucket.policy !== "tenant" || isWithin(this.#toldAt, KNOWN_LIFE, now);
    return isKnown && 1 - this.#balance <= this.#mayOwe ? "spend" : "ask";
  }

  get #mayOwe(): number {
    return Math.floor((this.#size?.perSecond ?? 0) * OWED_SHARE);
  }

  spend(): void {
    this.#balance -= 1;
    this.#spent += 1;
  }

  giveBack(): void {
    this.#balance += 1;
    this.#spent -= 1;
  }

  ask(now: number): Ask {
    const size = policies[this.bucket.policy];
    const { capacity, perSecond } = size === "by plan" ? { capacity: null, perSecond: null } : size;
    const elapsed = Math.max(MEASURED, now - this.#askedAt);
    const want = Math.ceil(((this.#spent + 1) * LEASE_LIFE) / elapsed);
    return { id: bucketId(this.bucket), capacity, perSecond, want, owed: Math.max(0, -this.#balance) };
  }

  /** Keeps the leased tokens, and spends one of them for the request that asked. */
  record({ owed }: Ask, { before, tokens, granted, capacity, perSecond }: Answer, now: number): BucketState {
    this.#size = { capacity, perSecond };
    this.#tokens = tokens;
    this.#toldAt = now;
    this.#mustAsk = !granted;
    this.#balance += owed + Math.round(before - owed - tokens);
    this.#emptyAt = granted ? Number.NEGATIVE_INFINITY : now;
    if (!granted) return this.state(false, now);
    this.#leasedAt = now;
    this.#askedAt = now;
    this.#spent = 0;
    this.spend();
    return this.state(true, now);
  }

  /**
   * Applies the size that the tenant's row has now. Tokens of a larger plan are void, leased ones and owed ones: the
   * request that finds the smaller one is admitted, and owes its token where the plan allows it; the next asks the row.
   */
  resize(size: Policy, now: number): void {
    const old = this.#size;
    if (!old || old.perSecond === size.perSecond) return;
    this.#tokens = Math.min(size.capacity, old.capacity, this.#tokens + this.#refill(old, now));
    this.#toldAt = now;
    this.#mustAsk = true;
    this.#emptyAt = Number.NEGATIVE_INFINITY;
    this.#size = size;
    if (size.perSecond < old.perSecond) this.#balance = -Math.min(1, this.#mayOwe);
  }

  /** What flowed into the row since its last answer. */
  #refill({ perSecond }: Policy, now: number): number {
    return (perSecond * Math.max(0, now - this.#toldAt)) / 1000;
  }

  /** The bucket after a request, by the row's last answer, the refill since then, and the tokens leased or owed. */
  state(granted: boolean, now: number): BucketState {
    const size = this.#size ?? { capacity: 1, perSecond: 1 };
    const spent = granted ? 1 : 0;
    const before = Math.min(size.capacity, this.#tokens + this.#refill(size, now) + this.#balance + spent);
    return stateOf(this.bucket.policy, { ...size, tokens: before - spent, granted });
  }
}

type Step = { lease: Lease; ask?: Ask };

/** The tokens of one request: its own buckets first, then the tenant's. */
export class Admission {
  readonly #steps: readonly Step[];
  readonly #refusing: readonly Lease[];

  constructor(leases: readonly Lease[], now: number) {
    const next = leases.map((lease) => ({ lease, next: lease.next(now) }));
    this.#refusing = next.flatMap(({ lease, next }) => (next === "refuse" ? [lease] : []));
    this.#steps = next.map(({ lease, next }) => (next === "ask" ? { lease, ask: lease.ask(now) } : { lease }));
    if (!this.isRefused) for (const { lease, ask } of this.#steps) if (!ask) lease.spend();
  }

  /** Whether a bucket is known to be empty. Such a request spends nothing. */
  get isRefused(): boolean {
    return this.#refusing.length > 0;
  }

  /** The instant at which the database said that the bucket is empty. Milliseconds. */
  get refusedAt(): number {
    return Math.max(...this.#refusing.map(({ emptyAt }) => emptyAt));
  }

  /** The rows to ask in the request's batch; undefined when this process has all tokens. */
  get asks(): readonly Ask[] | undefined {
    if (this.isRefused) return undefined;
    const asks = this.#steps.flatMap(({ ask }) => ask ?? []);
    return asks.length > 0 ? asks : undefined;
  }

  /** The states of the buckets that refuse from memory. */
  refusals(now = Date.now()): BucketState[] {
    return this.#refusing.map((lease) => lease.state(false, now));
  }

  /**
   * Keeps what the rows gave to a caller that the look-up has found.
   * @param perSecond the rate of the tenant's plan, as the look-up has read it
   * @returns the states of the buckets, up to the first that refuses
   */
  settle(answers: readonly Answer[], perSecond: number, now = Date.now()): BucketState[] {
    if (this.isRefused) {
      const states = this.refusals(now);
      for (const lease of this.#refusing)
        if (lease.bucket.policy === "tenant") lease.resize(sizeOfTenant(perSecond), now);
      return states;
    }
    const states: BucketState[] = [];
    let granted = true;
    for (const { lease, ask } of this.#steps) {
      const answer = ask && answers.find(({ id }) => id === ask.id);
      if (ask && answer) states.push(lease.record(ask, answer, now));
      else if (!ask && granted) states.push(this.#spent(lease, perSecond, now));
      else if (!ask) lease.giveBack(); // a limited caller spends nothing of the tenant's
      granted = states.every((state) => state.granted);
    }
    return states;
  }

  #spent(lease: Lease, perSecond: number, now: number): BucketState {
    if (lease.bucket.policy === "tenant") lease.resize(sizeOfTenant(perSecond), now);
    return lease.state(true, now);
  }

  /** Gives the tokens back: the look-up found no caller. */
  cancel(): void {
    if (!this.isRefused) for (const { lease, ask } of this.#steps) if (!ask) lease.giveBack();
  }
}

/** The leases of one process. */
export class Leases {
  /** The least recently used first. */
  readonly #known = new Map<string, Lease>();

  admit(tenantId: string, buckets: readonly Bucket[], now = Date.now()): Admission {
    return new Admission(
      buckets.map((bucket) => this.#lease(tenantId, bucket, now)),
      now,
    );
  }

  #lease(tenantId: string, bucket: Bucket, now: number): Lease {
    const name = `${tenantId} ${bucketId(bucket)}`;
    const lease = this.#known.get(name) ?? new Lease(bucket, now);
    this.#known.delete(name);
    this.#known.set(name, lease);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_LEASES && oldest !== undefined) this.#known.delete(oldest);
    return lease;
  }
}
