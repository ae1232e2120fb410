import type { Context } from "../kernel/actor.js";

export interface Policy {
  /** Tokens at once. A request takes as many as its operation costs; a small read takes one. */
  capacity: number;
  perSecond: number;
}

/** A policy whose size is a part of the rate of the tenant's plan. */
interface Part {
  part: number;
}

/**
 * The one table of limits: token buckets, by class of request. Each is smaller than the one around it, so that nobody can
 * use up what others need: an address is less than a shop, a program less than the staff, both less than the tenant.
 */
export const policies = {
  /** All requests of a tenant; the rate is in the tenant's row, which has it from the plan. */
  tenant: { part: 1 },
  /** The operations for shoppers of a tenant: three quarters of its rate, so that a quarter remains for the staff. */
  shop: { part: 3 / 4 },
  /** The other operations of a tenant: three quarters of its rate, so that a quarter remains for its shoppers. */
  staff: { part: 3 / 4 },
  /** One key or member, so that one program does not starve the others. */
  principal: { part: 5 / 8 },
  /** One client of a publishable key, which is in the hands of all shoppers. */
  address: { part: 1 / 2 },
  /** Operations that take rights away, and find them, have tokens of their own: they work while a leaked key uses up all others. */
  security: { capacity: 600, perSecond: 20 },
  /** Failed logins of one address, on all accounts together. A success gives its token back. */
  "login-address": { capacity: 60, perSecond: 1 },
  /** Failed logins of one address on one account: ten a minute. */
  "login-pair": { capacity: 20, perSecond: 10 / 60 },
  /** Failed logins on one account from addresses that it never logged in from. */
  "login-account": { capacity: 100, perSecond: 100 / 3600 },
  /** One address at login and refresh, which need no credential: 60 logins at once, five a second. */
  auth: { capacity: 600, perSecond: 50 },
  /** What one address reads without a credential, in each environment: a page of the documentation with its parts. */
  open: { capacity: 60, perSecond: 10 },
  /** Unknown API keys from one address: each costs a look-up. */
  miss: { capacity: 2_000, perSecond: 100 },
  /**
   * Seconds for which requests wait for the result of a payment, of all shoppers of a tenant together: so many wait at
   * the same time.
   */
  wait: { capacity: 200, perSecond: 50 },
  /** New tenants of one address: an office or a conference is behind one. */
  signup: { capacity: 300, perSecond: 0.5 },
} as const satisfies Record<string, Policy | Part>;
type PolicyName = keyof typeof policies;
type PartName = { [Name in PolicyName]: (typeof policies)[Name] extends Part ? Name : never }[PolicyName];
export type FixedName = Exclude<PolicyName, PartName>;
/** The bucket of a tenant that an operation takes tokens from, beside the caller's. */
export type Class = "shop" | "staff" | "security";

/** The policies that limit callers without a credential, before anything of their request is read. */
export type Door = "auth" | "signup" | "open";

/** A bucket of tokens. One statement takes from at most one bucket of each policy. */
export interface Bucket<Name = PolicyName> {
  policy: Name;
  key: string;
}
/** A bucket whose size is not a matter of the plan. */
export type FixedBucket = Bucket<FixedName>;

/** The capacity of a tenant's bucket, in seconds of its rate. */
export const BURST = 2;

/** The part of the plan's rate that a bucket has; undefined for one whose size is not a matter of the plan. */
export const partOf = (policy: PolicyName): number | undefined => (policies[policy] as Partial<Part>).part;

/** The size of a bucket in a tenant with this rate. */
export function sizeOf(policy: PolicyName, requestRate: number): Policy {
  const size: Policy | Part = policies[policy];
  return "part" in size ? { capacity: BURST * requestRate * size.part, perSecond: requestRate * size.part } : size;
}

/** The bucket that all callers of a tenant share. */
export const tenantBucket: Bucket = { policy: "tenant", key: "" };

/** The place of a bucket: it gives tokens only when those of all lower places have. */
export const placeOf = (policy: PolicyName): 0 | 1 | 2 =>
  policy === "tenant" ? 2 : policy === "shop" || policy === "staff" ? 1 : 0;

/** The id of a bucket's row. */
export const bucketId = ({ policy, key }: Bucket) => `${policy}:${key}`;

type Rate = NonNullable<Context["rate"]>;
/** A bucket as a caller sees it after a request, and whether it gave the request a token. */
export type BucketState = Rate & { granted: boolean };

/** @param tokens what is left after the request */
export function stateOf(
  policy: string,
  { tokens, granted, capacity, perSecond }: Policy & { tokens: number; granted: boolean },
): BucketState {
  const reset = Math.max(1, Math.ceil((capacity - tokens) / perSecond));
  const remaining = granted ? Math.max(0, Math.floor(tokens)) : 0;
  return { policy, limit: Math.floor(capacity), remaining, reset, window: Math.ceil(capacity / perSecond), granted };
}

/** Of several buckets the one that limits most: a refused one, else the emptiest. */
export function mostLimited(states: readonly BucketState[]): BucketState | undefined {
  const share = (state: BucketState) => (state.granted ? state.remaining / state.limit : -state.reset);
  return states.reduce<BucketState | undefined>(
    (least, state) => (least && share(least) <= share(state) ? least : state),
    undefined,
  );
}

/** Tokens of an address in the smallest plan. More are told to no shopper, who would learn the plan. */
export const TOLD = 100;

/** The limit that a shopper is told: nothing of the tenant's buckets, and no more of the address than every plan allows. */
export function toldToShopper(states: readonly BucketState[]): Rate | undefined {
  const own = states.find(({ policy }) => policy === "address") ?? states[0];
  if (!own) return undefined;
  const limit = Math.min(TOLD, own.limit);
  const remaining = states.some(({ granted }) => !granted) ? 0 : Math.min(limit, own.remaining);
  return { policy: "address", limit, remaining, reset: own.reset, window: BURST };
}
