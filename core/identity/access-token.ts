import { randomUUID } from "node:crypto";
import { type CryptoKey, importJWK, type JWK, jwtVerify, SignJWT } from "jose";
import * as z from "zod";
import { config } from "../kernel/config.js";
import { unauthenticated } from "../kernel/error.js";
import { TenantId } from "../tenant/tenant.sql.js";
import { MemberId, SessionId } from "./identity.sql.js";

/** The lifetime of an access token. Seconds. */
export const ACCESS_LIFETIME = 600;
/** The difference of clocks that is tolerated. Seconds. */
const TOLERANCE = 30;
const AUDIENCE = "stoa";
const TYPE = "at+jwt"; // RFC 9068: no other kind of token passes for an access token

/**
 * The claims of an access token. The role is not one of them: it is read with the session, so that its removal takes
 * effect at once.
 */
const Claims = z.object({ tid: TenantId, sub: MemberId, sid: SessionId, exp: z.int(), iat: z.int() });
export interface AccessClaims {
  tenantId: string;
  memberId: string;
  sessionId: string;
}

const KeySet = z.object({
  keys: z
    .array(
      z.object({ kty: z.literal("OKP"), crv: z.literal("Ed25519"), x: z.string(), d: z.string(), kid: z.string() }),
    )
    .min(1),
});
type PrivateKey = z.output<typeof KeySet>["keys"][number];

const keySet = ofKeys(() => KeySet.parse(JSON.parse(config.TOKEN_KEYS)).keys);
const signingKey = ofKeys(async () => {
  const [first] = keySet();
  if (!first) throw new Error("TOKEN_KEYS holds no key.");
  return { kid: first.kid, key: await importJWK(first, "EdDSA") };
});
const verificationKeys = ofKeys(
  async () =>
    new Map(
      await Promise.all(keySet().map(async (jwk) => [jwk.kid, await importJWK(publicOf(jwk), "EdDSA")] as const)),
    ),
);

/** A value that is made once for each text of TOKEN_KEYS. */
function ofKeys<T>(make: () => T): () => T {
  let made: { text: string; value: T } | undefined;
  return () => {
    const text = config.TOKEN_KEYS;
    if (made?.text !== text) made = { text, value: make() };
    return made.value;
  };
}

const publicOf = ({ kty, crv, x, kid }: PrivateKey): JWK => ({ kty, crv, x, kid, alg: "EdDSA", use: "sig" });

/** The key set that clients may verify with (RFC 7517), without its private members. */
export const publicKeys = (): { keys: JWK[] } => ({ keys: keySet().map(publicOf) });

/** Signs an access token (RFC 9068) with the first key of TOKEN_KEYS. */
export async function signAccessToken({ tenantId, memberId, sessionId }: AccessClaims): Promise<string> {
  const { kid, key } = await signingKey();
  const now = Math.floor(Date.now() / 1000); // read once, so that `iat` and `exp` belong to the same second
  return new SignJWT({ tid: tenantId, sid: sessionId })
    .setProtectedHeader({ alg: "EdDSA", typ: TYPE, kid })
    .setIssuer(config.PUBLIC_URL)
    .setAudience(AUDIENCE)
    .setSubject(memberId)
    .setIssuedAt(now)
    .setExpirationTime(now + ACCESS_LIFETIME)
    .setJti(randomUUID())
    .sign(key);
}

/** Three parts in the alphabet of base64url, the last one 64 bytes: an Ed25519 signature. */
const COMPACT = /^[\w-]{10,600}\.[\w-]{10,2000}\.([\w-]{86})$/;

/**
 * Verifies an access token and reads its claims. The server sets algorithm, type, issuer, audience, lifetime and keys,
 * and never takes them from the token (RFC 8725).
 * @throws Failure unauthenticated
 */
export async function verifyAccessToken(text: string): Promise<AccessClaims> {
  const signature = COMPACT.exec(text)?.[1];
  // The last character has four bits that decoders ignore, so that only the canonical spelling is accepted: a token has
  // no second text.
  if (!signature || Buffer.from(signature, "base64url").toString("base64url") !== signature) throw tokenInvalid();
  try {
    const { payload } = await jwtVerify(text, ({ kid }) => keyOf(kid), {
      algorithms: ["EdDSA"],
      typ: TYPE,
      issuer: config.PUBLIC_URL,
      audience: AUDIENCE,
      maxTokenAge: ACCESS_LIFETIME,
      clockTolerance: TOLERANCE,
      requiredClaims: ["sub", "exp", "iat", "jti", "tid", "sid"],
    });
    const { tid, sub, sid, exp, iat } = Claims.parse(payload);
    if (exp - iat > ACCESS_LIFETIME) throw tokenInvalid();
    return { tenantId: tid, memberId: sub, sessionId: sid };
  } catch {
    throw tokenInvalid();
  }
}

async function keyOf(kid: unknown): Promise<CryptoKey | Uint8Array> {
  const key = typeof kid === "string" ? (await verificationKeys()).get(kid) : undefined;
  if (!key) throw tokenInvalid();
  return key;
}

const tokenInvalid = () => unauthenticated("token_invalid", "The access token is invalid or has expired.");
