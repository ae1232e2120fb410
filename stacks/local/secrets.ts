import { createHash, createHmac, generateKeyPairSync, randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Secrets that SST stores on AWS; here they are created once for each data folder. */
export interface Secrets {
  readonly appPassword: string;
  readonly relayPassword: string;
  /** JSON Web Key Set with one private Ed25519 key. */
  readonly tokenKeys: string;
  /** 32 bytes, base64url. */
  readonly dataKey: string;
  /** Source of the demo tenants' keys and passwords. */
  readonly seed: string;
}

const random = (bytes: number) => randomBytes(bytes).toString("base64url");

function tokenKeys(): string {
  const { crv, d, x, kty } = generateKeyPairSync("ed25519").privateKey.export({ format: "jwk" });
  // RFC 7638: the thumbprint of a key is the hash of its required members in this order.
  const kid = createHash("sha256").update(JSON.stringify({ crv, kty, x })).digest("base64url");
  return JSON.stringify({ keys: [{ kty, crv, x, d, kid, alg: "EdDSA", use: "sig" }] });
}

function create(): Secrets {
  return {
    appPassword: random(24),
    relayPassword: random(24),
    tokenKeys: tokenKeys(),
    dataKey: random(32),
    seed: random(32),
  };
}

/** Reads the secrets of an existing data folder, or creates them in a file of mode 600. */
export async function readSecrets(dir: string): Promise<Secrets> {
  const file = join(dir, "secrets.json");
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text !== undefined) return JSON.parse(text);
  const secrets = create();
  await writeFile(`${file}.draft`, JSON.stringify(secrets, null, 2), { mode: 0o600 });
  await rename(`${file}.draft`, file);
  return secrets;
}

/** A secret derived for one purpose; equal purposes give equal secrets. */
export function derive({ seed }: Secrets, purpose: string, bytes = 24): string {
  return createHmac("sha512", seed).update(purpose).digest().subarray(0, bytes).toString("base64url");
}
