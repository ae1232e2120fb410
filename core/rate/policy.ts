import type { Context } from "../kernel/actor.js";

export interface Policy {
  /** Requests at once. */
  capacity: number;
  perSecond: number;
}

/** The one table of limits: token buckets, by class of request. */
export const policies = {
  /** All requests of a tenant's credentials; the rate is in the tenant's row, which has it from the plan. */
  tenant: "by plan",
  /** One key or member, so that one program does not starve the others. */
  principal: { capacity: 2_000, perSecond: 1_000 },
  /** One client of one tenant: a publishable key is in the hands of all its shoppers. */
  address: { capacity: 2_000, perSecond: 1_000 },
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
} as const satisfies Record<string, Policy | "by plan">;
type PolicyName = keyof typeof policies;
export type FixedName = Exclude<PolicyName, "tenant">;

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

export const sizeOfTenant = (requestRate: number): Policy => ({
  capacity: BURST * requestRate,
  perSecond: requestRate,
});

/** The bucket that all callers of a tenant share. */
export const tenantBucket: Bucket = { policy: "tenant", key: "" };

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
  return { policy, limit: capacity, remaining, reset, window: Math.ceil(capacity / perSecond), granted };
}

/** Of several buckets the one that limits most: a refused one, else the emptiest. */
export function mostLimited(states: readonly BucketState[]): BucketState | undefined {
  const share = (state: BucketState) => (state.granted ? state.remaining / state.limit : -state.reset);
  return states.reduce<BucketState | undefined>(
    (least, state) => (least && share(least) <= share(state) ? least : state),
    undefined,
  );
}
