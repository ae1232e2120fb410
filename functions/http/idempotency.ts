import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { context, tenantId } from "../../core/kernel/actor.js";
import { config } from "../../core/kernel/config.js";
import { malformed } from "../../core/kernel/error.js";
import type { Claim, StoredAnswer } from "../../core/kernel/idempotency.js";
import type { Endpoint } from "./endpoint.js";

const KEY = /^[\x21-\x7e]{1,255}$/;

const sha256 = (...parts: (string | Uint8Array)[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex");
};

/** The caller to whom a stored answer belongs; no other caller can read it. Undefined for an unknown caller. */
function principal(cartToken: string): string | undefined {
  const { actor: found, credential } = context();
  const known = found ?? credential?.principal;
  if (!known) return undefined;
  if (known.type === "member") return known.memberId;
  if (known.type === "customer") return known.customerId;
  if (known.type === "key") return cartToken ? `${known.keyId} ${sha256(cartToken)}` : known.keyId;
  return cartToken ? `cart ${sha256(cartToken)}` : undefined;
}

/**
 * The claim of a write that carries an Idempotency-Key; undefined when it carries none, or the caller is unknown. The
 * credential may wait for its look-up, which travels with the claim and is refused before it.
 * @throws Failure malformed when a required key is missing, or a key has the wrong form
 */
export function claimOf(
  { method, path, spec }: Endpoint,
  request: Request,
  body: Uint8Array,
  cartToken: string,
): Claim | undefined {
  if (method === "get" || spec.idempotency === "none") return undefined;
  const given = request.headers.get("idempotency-key")?.trim();
  if (given === undefined) {
    if (spec.idempotency !== "required") return undefined;
    throw malformed("idempotency_key_required", "This operation moves money or stock and requires an Idempotency-Key.");
  }
  const key = given.replace(/^"(.*)"$/, "$1"); // the draft's structured string and the bare form are the same key
  if (!KEY.test(key))
    throw malformed(
      "idempotency_key_invalid",
      "An Idempotency-Key has 1 to 255 printable ASCII characters without spaces.",
    );
  const who = principal(cartToken);
  if (!who) return undefined;
  const { pathname, search } = new URL(request.url);
  return { tenantId: tenantId(), principal: who, key, fingerprint: sha256(method, path, pathname, search, body) };
}

const dataKey = () => Buffer.from(config.DATA_KEY, "base64url");

/** AES-256-GCM, bound to the tenant. */
export function seal(answer: StoredAnswer): StoredAnswer {
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", dataKey(), iv).setAAD(Buffer.from(tenantId()));
  const text = Buffer.concat([cipher.update(answer.body, "utf8"), cipher.final()]);
  return { ...answer, body: Buffer.concat([iv, cipher.getAuthTag(), text]).toString("base64") };
}

export function unseal(answer: StoredAnswer): StoredAnswer {
  const bytes = Buffer.from(answer.body, "base64");
  const decipher = createDecipheriv("aes-256-gcm", dataKey(), bytes.subarray(0, 12)).setAAD(Buffer.from(tenantId()));
  decipher.setAuthTag(bytes.subarray(12, 28));
  return { ...answer, body: Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString("utf8") };
}
