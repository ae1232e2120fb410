import { createHmac, createSecretKey, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { CompactEncrypt, SignJWT } from "jose";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { newTenants, type Tenant } from "../support/client.js";
import { claimsLike, encode, forge, header, signer } from "./forge.js";
import { raw } from "./wire.js";

const { url } = inject("system");
let mine: Tenant;
let theirs: Tenant;
/** The token that works, and its claims. */
let token: string;
let claims: ReturnType<typeof claimsLike>;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
  token = mine.owner.credential ?? "";
  claims = claimsLike(token);
});

const tried = async (credential: string) => {
  const headers = [["authorization", `Bearer ${credential}`]] as const;
  return (await raw({ path: "/v1/auth/me", headers })).status;
};

/** None may be accepted: by name, so that a failure says which one was. */
async function refuse(variants: Record<string, string>) {
  const accepted: [string, number][] = [];
  for (const [name, credential] of Object.entries(variants)) {
    const status = await tried(credential);
    if (status !== 401) accepted.push([name, status]);
  }
  expect(accepted).toEqual([]);
  count += Object.keys(variants).length;
}
let count = 0;
const [ed, rsa, ec, ed448] = [
  generateKeyPairSync("ed25519"),
  generateKeyPairSync("rsa", { modulusLength: 2048 }),
  generateKeyPairSync("ec", { namedCurve: "P-256" }),
  generateKeyPairSync("ed448"),
];
const jwkOf = (key: { export(options: { format: "jwk" }): object }) => key.export({ format: "jwk" });
const parts = (text: string) => text.split(".") as [string, string, string];

test("what these tests forge is wrong in nothing else: the untouched token works", async () => {
  expect(await tried(token)).toBe(200);
  expect(await tried(forge(header, claims))).toBe(200);
});

describe("no forged token is accepted", () => {
  test("algorithms", async () => {
    const open = `${encode({ ...header, alg: "none" })}.${encode(claims)}`;
    const hmac = (secret: string | Buffer, alg = "HS256") => {
      const signed = `${encode({ ...header, alg })}.${encode(claims)}`;
      return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
    };
    const by = (alg: string, key: Parameters<SignJWT["sign"]>[0]) =>
      new SignJWT(claims).setProtectedHeader({ ...header, alg, typ: "at+jwt" }).sign(key);
    const padded = (alg: string) => `${encode({ ...header, alg })}.${encode(claims)}.${parts(token)[2]}`;
    const bytes = Buffer.from(signer.x, "base64url");
    await refuse({
      none: `${open}.`,
      "none, without a dot": open,
      None: `${encode({ ...header, alg: "None" })}.${encode(claims)}.`,
      NONE: `${encode({ ...header, alg: "NONE" })}.${encode(claims)}.`,
      "none, with a signature": padded("none"),
      "HS256 with the public key's bytes": hmac(bytes),
      "HS256 with the public key's text": hmac(signer.x),
      "HS256 with the public JWK": hmac(JSON.stringify({ kty: "OKP", crv: "Ed25519", x: signer.x })),
      "HS256 with nothing": hmac(""),
      "HS512 in the header": hmac(bytes, "HS512"),
      HS256: await by("HS256", createSecretKey(Buffer.alloc(32, 7))),
      RS256: await by("RS256", rsa.privateKey),
      PS256: await by("PS256", rsa.privateKey),
      ES256: await by("ES256", ec.privateKey),
      "EdDSA of another key": forge(header, claims, ed.privateKey),
      "EdDSA of another curve": `${encode(header)}.${encode(claims)}.${sign(null, Buffer.from(`${encode(header)}.${encode(claims)}`), ed448.privateKey).toString("base64url")}`,
      "ES256 in the header only": forge({ ...header, alg: "ES256" }, claims),
      "no alg": forge({ typ: header.typ, kid: header.kid }, claims),
      "alg is a list": forge({ ...header, alg: ["EdDSA"] }, claims),
      "alg in lower case": forge({ ...header, alg: "eddsa" }, claims),
    });
  });

  test("keys that the token brings or names", async () => {
    const own = jwkOf(ed.publicKey);
    const named = (extra: object) => forge({ ...header, ...extra }, claims, ed.privateKey);
    await refuse({
      "kid of nobody": forge({ ...header, kid: "none" }, claims),
      "kid is missing": forge({ alg: "EdDSA", typ: "at+jwt" }, claims),
      "kid is empty": forge({ ...header, kid: "" }, claims),
      "kid is a path": named({ kid: "../../../../dev/null" }),
      "kid is SQL": named({ kid: "' union select 'key' --" }),
      "kid is a URL": named({ kid: "https://evil.test/key" }),
      "kid is a list": forge({ ...header, kid: [signer.kid] }, claims),
      "kid is __proto__": forge({ ...header, kid: "__proto__" }, claims),
      "kid twice, ours last": forge(
        `{"alg":"EdDSA","typ":"at+jwt","kid":"x","kid":"${signer.kid}"}`,
        claims,
        ed.privateKey,
      ),
      "kid twice, ours first": forge(`{"alg":"EdDSA","typ":"at+jwt","kid":"${signer.kid}","kid":"x"}`, claims),
      jwk: named({ jwk: own }),
      "jwk without kid": forge({ alg: "EdDSA", typ: "at+jwt", jwk: own }, claims, ed.privateKey),
      jku: named({ jku: "https://evil.test/jwks.json" }),
      x5u: named({ x5u: "https://evil.test/cert.pem" }),
      x5c: named({ x5c: ["MIIB"] }),
      crit: forge({ ...header, crit: ["exp"] }, claims),
      "crit of nothing": forge({ ...header, crit: [] }, claims),
      "crit that nobody knows": forge({ ...header, crit: ["b64", "x"], b64: true, x: 1 }, claims),
      "b64 false": forge({ ...header, b64: false, crit: ["b64"] }, claims),
    });
  });

  test("claims", async () => {
    const now = claims.iat;
    const of = (more: object) => forge(header, { ...claims, ...more });
    const without = (name: string) =>
      forge(header, Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name)));
    const theirClaims = claimsLike(theirs.owner.credential ?? "");
    await refuse({
      "another issuer": of({ iss: "https://evil.test" }),
      "the issuer in a list": of({ iss: [url] }),
      "another audience": of({ aud: "evil" }),
      "an audience of ours in capitals": of({ aud: "STOA" }),
      "typ JWT": forge({ ...header, typ: "JWT" }, claims),
      "typ of an ID token": forge({ ...header, typ: "id+jwt" }, claims),
      "no typ": forge({ alg: "EdDSA", kid: signer.kid }, claims),
      expired: of({ iat: now - 700, exp: now - 100 }),
      "not yet": of({ nbf: now + 120 }),
      "issued tomorrow": of({ iat: now + 86_400, exp: now + 86_400 + 600 }),
      "issued long ago, for long": of({ iat: now - 86_400, exp: now + 600 }),
      "lives for a year": of({ exp: now + 31_536_000 }),
      "exp is text": of({ exp: String(now + 600) }),
      "exp is infinite": forge(header, JSON.stringify(claims).replace(/"exp":\d+/, '"exp":1e999')),
      "exp is a fraction": of({ exp: now + 300.5 }),
      "exp is null": of({ exp: null }),
      "iat is text": of({ iat: String(now) }),
      ...Object.fromEntries(
        ["iss", "aud", "exp", "iat", "sub", "tid", "sid", "jti"].map((name) => [`no ${name}`, without(name)]),
      ),
      "another tenant": of({ tid: theirClaims.tid }),
      "another tenant and its session": of({ tid: theirClaims.tid, sid: theirClaims.sid }),
      "another tenant's member": of({ sub: theirClaims.sub }),
      "another tenant's session": of({ sid: theirClaims.sid }),
      "a session of nobody": of({ sid: "ses_01k9zv7cn3e5wam2jx9t0qhd8r" }),
      "the tenant is a uuid": of({ tid: randomUUID() }),
      "the tenant is SQL": of({ tid: "ten_' or 1=1 --" }),
      "claims are a list": forge(header, [claims]),
      "claims are text": forge(header, "text"),
    });
  });

  test("forms", async () => {
    const [head, body, signature] = parts(token);
    const last = signature.at(-1) === "A" ? "Q" : "A";
    const jwe = await new CompactEncrypt(Buffer.from(token))
      .setProtectedHeader({ alg: "ECDH-ES", enc: "A256GCM", kid: signer.kid })
      .encrypt(ec.publicKey);
    await refuse({
      "no signature": `${head}.${body}.`,
      "no signature, no dot": `${head}.${body}`,
      "signature of zeros": `${head}.${body}.${"A".repeat(86)}`,
      "signature cut": `${head}.${body}.${signature.slice(0, -2)}`,
      "signature longer": `${head}.${body}.${signature}AA`,
      "signature respelled": `${head}.${body}.${signature.slice(0, -1)}${last}`,
      "signature padded": `${token}==`,
      "one bit of the claims": `${head}.${body.startsWith("e") ? `f${body.slice(1)}` : `e${body.slice(1)}`}.${signature}`,
      "claims of another, signature of this": `${head}.${encode({ ...claims, sub: "mbr_01k9zv7cn3e5wam2jx9t0qhd8r" })}.${signature}`,
      "four parts": `${token}.${signature}`,
      "five parts": `${token}..`,
      "a JWE": jwe,
      "JWS as JSON": JSON.stringify({ protected: head, payload: body, signature }),
      "standard base64": `${head}.${body}.${Buffer.from(signature, "base64url").toString("base64").replace(/=+$/, "")}+/`,
      "a space inside": `${head}. ${body}.${signature}`,
      "a tab inside": `${head}.\t${body}.${signature}`,
      twice: `${token} ${token}`,
      "a comma after": `${token},`,
      quoted: `"${token}"`,
      "Bearer twice": `Bearer ${token}`,
      "9 KB": `${head}.${"A".repeat(9_000)}.${signature}`,
      "a refresh token": mine.refreshToken,
      nothing: "",
      dots: "..",
    });
    const mega = await tried("A".repeat(1_048_576));
    expect([0, 401, 431]).toContain(mega); // the gateway takes 10 KB of headers
    expect(count).toBeGreaterThanOrEqual(60);
  });
});

test("other schemes and doubled headers do not help", async () => {
  const say = async (...headers: [string, string][]) => (await raw({ path: "/v1/auth/me", headers })).status;
  expect(await say(["authorization", `bearer ${token}`])).toBe(200); // RFC 9110: the scheme has no case
  for (const scheme of ["Basic", "Token", "DPoP", "Bearer:", "Bearer\t"]) {
    expect([scheme, await say(["authorization", `${scheme} ${token}`])]).toEqual([scheme, 401]);
  }
  expect(await say(["authorization", token])).toBe(401);
  expect(await say(["x-api-key", token])).toBe(401);
  expect(await say(["cookie", `authorization=Bearer ${token}`])).toBe(401);
  const twice = await say(["authorization", `Bearer ${token}`], ["authorization", `Bearer ${theirs.owner.credential}`]);
  expect([400, 401]).toContain(twice);
  expect(await say(["authorization", `Bearer ${token}`], ["x-api-key", theirs.credential ?? ""])).toBe(400);
});

test("the key set that is shown holds nothing secret", async () => {
  const { keys } = JSON.parse((await raw({ path: "/.well-known/jwks.json" })).text);
  expect(keys.length).toBeGreaterThan(0);
  for (const key of keys as Record<string, string>[])
    expect(Object.keys(key).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x"]);
});
