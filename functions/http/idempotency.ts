import { createHash } from "node:crypto";
import { context, tenantId } from "../../core/kernel/actor.js";
import { KeyRemoved, openText, sealText } from "../../core/kernel/data-key.js";
import { conflict, malformed } from "../../core/kernel/error.js";
import { type Claim, rowId, type StoredAnswer } from "../../core/kernel/idempotency.js";
import type { Endpoint } from "./endpoint.js";

const KEY = /^[\x21-\x7e]{1,255}$/;

const sha256 = (...parts: (string | Uint8Array)[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part).update("\0");
  return hash.digest("hex");
};

/** Answers that are kept of one cart: a retry follows its request after fewer writes, and carts are made by strangers. */
const CART_ANSWERS = 20;

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
  const kept = cartToken ? CART_ANSWERS : undefined;
  return { tenantId: tenantId(), principal: who, kept, key, fingerprint: sha256(method, path, pathname, search, body) };
}

/** The row that an answer belongs to: moved to another row or tenant, it does not open. */
const placeOf = (claim: Claim) => `${claim.tenantId} ${rowId(claim)}`;

export const seal = (claim: Claim, answer: StoredAnswer): StoredAnswer => ({
  ...answer,
  body: sealText("answer", placeOf(claim), answer.body),
});

/** @throws Failure conflict when the key that sealed it was removed */
export function unseal(claim: Claim, answer: StoredAnswer): StoredAnswer {
  try {
    return { ...answer, body: openText("answer", placeOf(claim), claim.tenantId, answer.body) };
  } catch (error) {
    if (!(error instanceof KeyRemoved)) throw error;
    throw conflict(
      "idempotency_answer_lost",
      "The first request with this Idempotency-Key has succeeded, and its answer cannot be repeated. Read the resource.",
      { cause: error },
    );
  }
}

/** An answer that is stored as it is begins as JSON does; problems are never sealed. */
export const isSealed = ({ status, body }: StoredAnswer): boolean => status < 400 && body !== "" && !/^[[{]/.test(body);
