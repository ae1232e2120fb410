import { createHash } from "node:crypto";
import { customAlphabet } from "nanoid";

/** 43 random characters of an even distribution: 256 bits. */
const randomText = customAlphabet("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 43);

/**
 * The stored form of a secret, which has at least 128 random bits: no attacker finds it by trial, so a plain hash is
 * enough.
 */
export const hashSecret = (text: string) => createHash("sha256").update(text).digest("hex");

/** A secret that names its tenant, so that its look-up already runs under that tenant's policies: `sk_live_…_…`. */
export const createSecret = (prefix: string, tenantId: string) =>
  `${prefix}_${tenantId.slice("ten_".length)}_${randomText()}`;

const SECRET = /^(sk_live|sk_test|pk_live|pk_test|rt)_([0-7][0-9a-hjkmnp-tv-z]{25})_[0-9A-Za-z]{32,64}$/;

/** The tenant that a secret of these prefixes names; undefined when it is not of that form. */
export function tenantOfSecret(text: string, ...prefixes: readonly string[]): string | undefined {
  const [, prefix = "", suffix] = (text.length < 200 && SECRET.exec(text)) || [];
  return suffix && prefixes.includes(prefix) ? `ten_${suffix}` : undefined;
}
