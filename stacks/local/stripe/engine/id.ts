import { randomFillSync } from "node:crypto";

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const pool = Buffer.alloc(16_384);
let used = pool.length;

/** Random letters and digits. */
export function randomText(length: number): string {
  let text = "";
  while (text.length < length) {
    if (used === pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    text += letters[pool.readUInt8(used++) & 63] ?? "";
  }
  return text;
}

/** An id in Stripe's format: `re_` and 24 characters. */
export const newId = (prefix: string) => `${prefix}_${randomText(24)}`;
