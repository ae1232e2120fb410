import { isIPv6 } from "node:net";
import { actor, context } from "../kernel/actor.js";
import { keyedHash } from "../kernel/data-key.js";

/**
 * A client's address as a key: an IPv6 client owns a whole /64 (RFC 4291), and an address is personal data, so that
 * only its keyed hash is kept.
 */
export const addressKey = (address: string) => keyedHash("address", network(address)).slice(0, 32);

/** An account as logs name it: a keyed hash of its e-mail address or of its credential. */
export const accountKey = (account: string) => keyedHash("account", account.toLowerCase()).slice(0, 32);

/**
 * The key of the client's address, for limits of what one stranger may cause. Null for a caller with a secret key: behind
 * the server of a shop are all of its shoppers.
 */
export const strangerKey = (): string | null =>
  actor().type === "visitor" ? addressKey(context().address ?? "") : null;

function network(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped || !isIPv6(address)) return mapped ?? address;
  const [head = [], tail = []] = address.split("::").map((part) => (part ? part.split(":") : []));
  const groups = [...head, ...Array(Math.max(0, 8 - head.length - tail.length)).fill("0"), ...tail];
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16))
    .join(":");
}
