import { createPrivateKey, type KeyObject, randomUUID, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeJwt } from "jose";
import { inject } from "vitest";

type Json = Record<string, unknown>;

const { dir, url } = inject("system");

/** The key that the system signs with: what is forged with it is wrong in nothing but what a test makes wrong. */
export const signer: Json & { kid: string; x: string } = JSON.parse(
  JSON.parse(readFileSync(join(dir, "secrets.json"), "utf8")).tokenKeys,
).keys[0];
const key = createPrivateKey({ key: signer as never, format: "jwk" });

export const header: Json = { alg: "EdDSA", typ: "at+jwt", kid: signer.kid };

export const encode = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** Signed with Ed25519, by the system's key unless another is given. */
export function forge(protectedHeader: unknown, claims: unknown, by: KeyObject = key): string {
  const signed = `${encode(protectedHeader)}.${encode(claims)}`;
  return `${signed}.${sign(null, Buffer.from(signed), by).toString("base64url")}`;
}

/** The claims of a token that works, for the session of the one that is given, beginning now. */
export function claimsLike(token: string): Json & { iat: number; exp: number } {
  const iat = Math.floor(Date.now() / 1000);
  const { tid, sid, sub } = decodeJwt(token);
  return { tid, sid, sub, iss: url, aud: "stoa", iat, exp: iat + 600, jti: randomUUID() };
}
