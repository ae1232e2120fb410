import { addressKey } from "./address.js";
import { admitAddress, refuseLimited } from "./bucket.js";
import { type Door, policies, stateOf } from "./policy.js";

/** Addresses that a process remembers. */
const MAX_ADDRESSES = 5_000;
/** The tokens of each address, and when they were counted (milliseconds). The least recently used first. */
const known = new Map<string, { tokens: number; at: number }>();

/**
 * Takes tokens of an address in this process alone: what needs no database is limited without one. An environment
 * answers one request at a time, so that its own limit is one of its work.
 * @throws Failure limited
 */
function admitHere(policy: "open", address: string, cost: number): void {
  const { capacity, perSecond } = policies[policy];
  const key = addressKey(address);
  const now = Date.now();
  const { tokens: before, at } = known.get(key) ?? { tokens: capacity, at: now };
  const level = Math.min(capacity, before + (perSecond * Math.max(0, now - at)) / 1000);
  const granted = level >= cost;
  const tokens = granted ? level - cost : level;
  known.delete(key);
  known.set(key, { tokens, at: now });
  const [oldest] = known.keys();
  if (known.size > MAX_ADDRESSES && oldest !== undefined) known.delete(oldest);
  refuseLimited(stateOf(policy, { capacity, perSecond, tokens, granted }));
}

/**
 * Takes the tokens of a caller without a credential, before anything of the request is read.
 * @throws Failure limited
 */
export async function passDoor(door: Door, address: string, cost = 1): Promise<void> {
  if (door === "open") admitHere(door, address, cost);
  else await admitAddress(door, address, cost);
}
