import type { Answer, Ask } from "./ask.js";
import { type Bucket, type BucketState, bucketId, type Policy, partOf, placeOf, sizeOf, stateOf } from "./policy.js";

export type { Answer, Ask } from "./ask.js";

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
  /** The tokens that it could not give then; a cheaper request may still get its own. */
  #emptyFor = 0;
  /** Undefined for a part of the tenant's rate before its first answer. */
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
    this.#size = this.#isPart ? undefined : sizeOf(bucket.policy, 0);
    this.#tokens = this.#size?.capacity ?? 0;
    this.#askedAt = now;
    this.#toldAt = now;
  }

  get #isPart(): boolean {
    return partOf(this.bucket.policy) !== undefined;
  }

  /** A request that costs more than the bucket can hold takes all of it. */
  #costOf(cost: number): number {
    return Math.min(cost, this.#size?.capacity ?? cost);
  }

  get emptyAt(): number {
    return this.#emptyAt;
  }

  /** Decides what the next request does: spends a token of this process, asks the row, or is refused. */
  next(now: number, asked: number): "spend" | "ask" | "refuse" {
    const cost = this.#costOf(asked);
    if (cost >= this.#emptyFor && isWithin(this.#emptyAt, EMPTY_LIFE, now)) return "refuse";
    if (!isWithin(this.#leasedAt, LEASE_LIFE, now)) this.#balance = Math.min(0, this.#balance);
    if (this.#mustAsk) return "ask";
    if (this.#balance >= cost) return "spend";
    const isKnown = !this.#isPart || isWithin(this.#toldAt, KNOWN_LIFE, now);
    return isKnown && cost - this.#balance <= this.#mayOwe ? "spend" : "ask";
  }

  get #mayOwe(): number {
    return Math.floor((this.#size?.perSecond ?? 0) * OWED_SHARE);
  }

  spend(cost: number): void {
    this.#balance -= this.#costOf(cost);
    this.#spent += this.#costOf(cost);
  }

  giveBack(cost: number): void {
    this.#balance += this.#costOf(cost);
    this.#spent -= this.#costOf(cost);
  }

  ask(now: number, need: number): Ask {
    const { policy } = this.bucket;
    const { capacity, perSecond } = this.#isPart ? { capacity: null, perSecond: null } : sizeOf(policy, 0);
    const elapsed = Math.max(MEASURED, now - this.#askedAt);
    const want = Math.max(need, Math.ceil(((this.#spent + need) * LEASE_LIFE) / elapsed));
    const owed = Math.max(0, -this.#balance);
    const part = partOf(policy) ?? null;
    return { id: bucketId(this.bucket), place: placeOf(policy), capacity, perSecond, part, need, want, owed };
  }

  /** Keeps the leased tokens, and spends those of the request that asked. */
  record({ owed, need }: Ask, { before, tokens, granted, capacity, perSecond }: Answer, now: number): BucketState {
    this.#size = { capacity, perSecond };
    this.#tokens = tokens;
    this.#toldAt = now;
    this.#mustAsk = !granted;
    this.#balance += owed + Math.round((before - owed - tokens) * 1e6) / 1e6; // whole tokens, but for a tiny bucket's
    this.#emptyAt = granted ? Number.NEGATIVE_INFINITY : now;
    this.#emptyFor = this.#costOf(need);
    if (!granted) return this.state(false, now, need);
    this.#leasedAt = now;
    this.#askedAt = now;
    this.#spent = 0;
    this.spend(need);
    return this.state(true, now, need);
  }

  /**
   * Applies the rate that the tenant's row has now. Tokens of a larger plan are void, leased ones and owed ones: the
   * request that finds the smaller one is admitted, and owes its token where the plan allows it; the next asks the row.
   */
  resize(requestRate: number, now: number, cost = 1): void {
    const old = this.#size;
    const size = sizeOf(this.bucket.policy, requestRate);
    if (!old || old.perSecond === size.perSecond) return;
    this.#tokens = Math.min(size.capacity, old.capacity, this.#tokens + this.#refill(old, now));
    this.#toldAt = now;
    this.#mustAsk = true;
    this.#emptyAt = Number.NEGATIVE_INFINITY;
    this.#size = size;
    if (size.perSecond < old.perSecond) this.#balance = -Math.min(cost, this.#mayOwe);
  }

  /** The tokens that flowed into the row since its last answer. */
  #refill({ perSecond }: Policy, now: number): number {
    return (perSecond * Math.max(0, now - this.#toldAt)) / 1000;
  }

  /** The bucket after a request, by the row's last answer, the refill since then, and the tokens leased or owed. */
  state(granted: boolean, now: number, cost: number): BucketState {
    const size = this.#size ?? { capacity: 1, perSecond: 1 };
    const spent = granted ? this.#costOf(cost) : 0;
    const before = Math.min(size.capacity, this.#tokens + this.#refill(size, now) + this.#balance + spent);
    return stateOf(this.bucket.policy, { ...size, tokens: before - spent, granted });
  }
}

type Step = { lease: Lease; ask?: Ask };

/** The tokens of one request: the caller's own buckets first, then those of the tenant. */
export class Admission {
  readonly #steps: readonly Step[];
  readonly #refusing: readonly Lease[];

  constructor(
    leases: readonly Lease[],
    now: number,
    readonly cost: number,
  ) {
    const next = leases.map((lease) => ({ lease, next: lease.next(now, cost) }));
    this.#refusing = next.flatMap(({ lease, next }) => (next === "refuse" ? [lease] : []));
    this.#steps = next.map(({ lease, next }) => (next === "ask" ? { lease, ask: lease.ask(now, cost) } : { lease }));
    if (!this.isRefused) for (const { lease, ask } of this.#steps) if (!ask) lease.spend(cost);
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
    return this.#refusing.map((lease) => lease.state(false, now, this.cost));
  }

  /**
   * Keeps what the rows gave to a caller that the look-up has found.
   * @param perSecond the rate of the tenant's plan, as the look-up has read it
   * @returns the states of the buckets, up to the first that refuses
   */
  settle(answers: readonly Answer[], perSecond: number, now = Date.now()): BucketState[] {
    if (this.isRefused) {
      const states = this.refusals(now);
      for (const lease of this.#refusing) lease.resize(perSecond, now);
      return states;
    }
    const states: BucketState[] = [];
    let granted = true;
    for (const { lease, ask } of this.#steps) {
      const answer = ask && answers.find(({ id }) => id === ask.id);
      if (ask && answer) states.push(lease.record(ask, answer, now));
      else if (!ask && granted) states.push(this.#spent(lease, perSecond, now));
      else if (!ask) lease.giveBack(this.cost); // a limited caller spends nothing of the tenant's
      granted = states.every((state) => state.granted);
    }
    return states;
  }

  #spent(lease: Lease, perSecond: number, now: number): BucketState {
    lease.resize(perSecond, now, this.cost);
    return lease.state(true, now, this.cost);
  }

  /** Gives the tokens back: the look-up found no caller. */
  cancel(): void {
    if (!this.isRefused) for (const { lease, ask } of this.#steps) if (!ask) lease.giveBack(this.cost);
  }
}

/** The leases of one process. */
export class Leases {
  /** The least recently used first. */
  readonly #known = new Map<string, Lease>();

  admit(tenantId: string, buckets: readonly Bucket[], now = Date.now(), cost = 1): Admission {
    return new Admission(
      buckets.map((bucket) => this.#lease(tenantId, bucket, now)),
      now,
      cost,
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
