import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";
import { config } from "./config.js";

/**
 * What a key is for. Each purpose has a key of its own, derived from the data key (HKDF, RFC 5869), so that a text of one
 * purpose proves nothing for another.
 */
export type Purpose = "account" | "address" | "answer" | "cursor" | "key-id" | "refresh-token";

/** One of the keys in DATA_KEY. */
interface DataKey {
  /** The name of the key in texts: it says which key of DATA_KEY opens a text, and nothing of the key. */
  kid: string;
  /** The key itself, which made the texts of earlier releases. */
  raw: Buffer;
  derived: Map<Purpose, Buffer>;
}

const derive = (raw: Buffer, purpose: Purpose) => Buffer.from(hkdfSync("sha256", raw, "", `stoa ${purpose}`, 32));

let known: { text: string; keys: readonly DataKey[] } | undefined;

/** The keys of DATA_KEY: the first one makes texts, all of them open texts, so that a key can be replaced. */
function dataKeys(): readonly DataKey[] {
  const text = config.DATA_KEY;
  if (known?.text === text) return known.keys;
  const keys = text.split(",").map((each) => {
    const raw = Buffer.from(each, "base64url");
    return { kid: derive(raw, "key-id").toString("base64url").slice(0, 6), raw, derived: new Map() };
  });
  known = { text, keys };
  return keys;
}

function newest(): DataKey {
  const [first] = dataKeys();
  if (!first) throw new Error("DATA_KEY holds no key.");
  return first;
}

function keyFor(key: DataKey, purpose: Purpose): Buffer {
  const derived = key.derived.get(purpose) ?? derive(key.raw, purpose);
  key.derived.set(purpose, derived);
  return derived;
}

const mac = (key: Buffer, text: string) => createHmac("sha256", key).update(text).digest();

/** Keyed hashes (hex) of a text whose holder cannot compute them, one by each key: the first is that of the key in use. */
export const keyedHashes = (purpose: Purpose, text: string): string[] =>
  dataKeys().map((key) => mac(keyFor(key, purpose), text).toString("hex"));

/** The keyed hash by the key in use. */
export const keyedHash = (purpose: Purpose, text: string): string =>
  mac(keyFor(newest(), purpose), text).toString("hex");

/** Characters of a signature: 132 bits. */
const SIGNATURE = 22;
const signatureOf = (key: Buffer, text: string) => mac(key, text).toString("base64url").slice(0, SIGNATURE);

/** Signs a text: `kid.signature`. */
export function signText(purpose: Purpose, text: string): string {
  const key = newest();
  return `${key.kid}.${signatureOf(keyFor(key, purpose), text)}`;
}

/** Whether a signature belongs to the text. One of an earlier release has no `kid`, and the data key itself made it. */
export function isSignatureOf(purpose: Purpose, text: string, signature: string): boolean {
  const [given = "", kid] = signature.split(".").reverse();
  const candidates = dataKeys().filter((key) => kid === undefined || key.kid === kid);
  return candidates.some((key) => {
    const wanted = Buffer.from(signatureOf(kid === undefined ? key.raw : keyFor(key, purpose), text));
    const found = Buffer.from(given);
    return found.length === wanted.length && timingSafeEqual(found, wanted);
  });
}

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** The key of a sealed text was removed from DATA_KEY. */
export class KeyRemoved extends Error {
  override name = "KeyRemoved";
}

/** Encrypts a text (AES-256-GCM), bound to what `about` names: `kid.ciphertext`. */
export function sealText(purpose: Purpose, about: string, text: string): string {
  const key = newest();
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", keyFor(key, purpose), iv).setAAD(Buffer.from(about));
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return `${key.kid}.${Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString("base64url")}`;
}

/**
 * Opens what `sealText` made.
 * @param before what texts of earlier releases, which have no `kid`, are bound to
 * @throws KeyRemoved, or Error for a text that was changed or belongs to something else
 */
export function openText(purpose: Purpose, about: string, before: string, sealed: string): string {
  const [kid = "", text] = sealed.split(".");
  if (text !== undefined) {
    const key = dataKeys().find((each) => each.kid === kid);
    if (!key) throw new KeyRemoved(`DATA_KEY has no key "${kid}".`);
    return decrypt(keyFor(key, purpose), about, Buffer.from(text, "base64url"));
  }
  const bytes = Buffer.from(sealed, "base64");
  for (const { raw } of dataKeys().slice(0, -1)) {
    try {
      return decrypt(raw, before, bytes);
    } catch {
      // Another key made it.
    }
  }
  const last = dataKeys().at(-1) ?? newest();
  return decrypt(last.raw, before, bytes);
}

function decrypt(key: Buffer, about: string, bytes: Buffer): string {
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, IV_BYTES)).setAAD(Buffer.from(about));
  decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  const text = bytes.subarray(IV_BYTES + TAG_BYTES);
  return Buffer.concat([decipher.update(text), decipher.final()]).toString("utf8");
}
