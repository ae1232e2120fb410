import type { Ids } from "./sample.js";

const SUFFIX = "01k9zv7cn3e5wam2jx9t0qhd8";
const LAST = "rstvwxyz0123456789abcdefghjkmnpq";
const ID = /(?<![A-Za-z0-9_])([a-z]{3})_[0-7][0-9a-hjkmnp-tv-z]{25}\b/g;
const OTHERS = 2;
/** What providers report, moves versions as often as it comes. */
const numbers: Readonly<Record<string, (value: unknown) => unknown>> = {
  number: () => 1_001,
  version: (value) => Math.min(Number(value), 5),
};

/** An id as examples show it: the first of each kind is the one that a request names. */
export const idOf = (prefix: string, nth = 0) => `${prefix}_${SUFFIX}${LAST[nth]}`;

/** What an example says, with the ids of things that are there. */
export const withIds = (example: unknown, ids: Ids): unknown =>
  JSON.parse(JSON.stringify(example).replace(ID, (text, prefix: string) => ids[prefix] ?? text));

/** Texts that are different each time, or open something, and what stands in their place. */
const texts: readonly [RegExp, string][] = [
  [/\b([ps]k)_(live|test)_[0-9a-z]{26}_[\w-]+/g, `$1_$2_${SUFFIX}r_EXAMPLE`],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, "ACCESS_TOKEN_EXAMPLE"],
  [/\breq_[0-9a-f]{32}/g, "req_0f8fad5bd9cb469fa1659b0f7f0d1a2c"],
  [/\b([ps]k)_(live|test)_…[\w-]+/g, "$1_$2_…mPLE"],
  [/\bdp_[0-9a-f-]{36}/g, "dp_EXAMPLE"],
  [/[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g, "0199f3a2-7c15-7e4b-8d2f-5a6b7c8d9e0f"],
  [/\b(acct|ch|cs_live|cs_test|cus|dp|in|pi|py|re|si|sub|txn)_[A-Za-z0-9]{8,}/g, "$1_EXAMPLE"],
  [/\b[A-Z0-9]{8}-(\d{4})\b/g, "K7Q2ZP4M-$1"],
  [/_secret_\w+/g, "_secret_EXAMPLE"],
  [/http:\/\/127\.0\.0\.1:\d+\/[^"\s]*/g, "https://checkout.stripe.com/c/EXAMPLE"],
  [/\bMug SKU-[0-9a-f]{10}/g, "Enamel mug"],
  [/\bmug-sku-[0-9a-f]{10}/g, "enamel-mug"],
  [/\bSKU-[0-9a-f]{10}/g, "MUG-M"],
  [/\bowner@t[0-9a-f]{10}\.test/g, "olga@corner-shop.example"],
  [/\bm[0-9a-f]{10}@staff\.test/g, "max@corner-shop.example"],
  [/\bShop t[0-9a-f]{10}/g, "Corner Shop"],
  [/\bt[0-9a-f]{10}\b/g, "corner-shop"],
];
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;
const DAY = /^\d{4}-\d\d-\d\d$/;
/** Names of what lies ahead. */
const LATER = /expires|until|ends|renews|cancelAt|due|retryAt|trial|periodEnd/i;

const placeholder = (name: string) => `${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}_EXAMPLE`;

function textOf(name: string, text: string, idFor: (text: string, prefix: string) => string): string {
  if (INSTANT.test(text)) return LATER.test(name) ? "2026-02-14T09:30:00.000Z" : "2026-01-15T09:30:00.000Z";
  if (DAY.test(text)) return "2026-01-15";
  if (/token$/i.test(name) && !text.startsWith("eyJ")) return placeholder(name);
  return texts.reduce((said, [pattern, stays]) => said.replace(pattern, stays), text.replace(ID, idFor));
}

/**
 * An answer that says the same each time it is recorded: ids, instants, secrets and random texts are replaced, and of a
 * list its first items are left.
 */
export function stabilize(answer: unknown, ids: Ids): unknown {
  const seen = new Map(Object.entries(ids).map(([prefix, id]) => [id, idOf(prefix)]));
  const counts: Record<string, number> = {};
  const idFor = (text: string, prefix: string) => {
    const nth = (counts[prefix] ?? (ids[prefix] ? 0 : -1)) + 1;
    const known = seen.get(text);
    if (known) return known;
    counts[prefix] = nth;
    seen.set(text, idOf(prefix, nth));
    return idOf(prefix, nth);
  };
  const visit = (value: unknown, name: string): unknown => {
    if (typeof value === "string") return name === "nextCursor" ? null : textOf(name, value, idFor);
    if (Array.isArray(value)) return value.slice(0, name === "data" ? 1 : OTHERS).map((item) => visit(item, name));
    if (typeof value === "number") return numbers[name]?.(value) ?? value;
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([field, inner]) => [field, visit(inner, field)]));
  };
  return visit(answer, "");
}

/** The fields of a value and of what is in it; null may stand for anything, and of a list the first item counts. */
export function differences(one: unknown, other: unknown, path = ""): string[] {
  if (one === null || other === null || one === undefined || other === undefined) return [];
  if (Array.isArray(one) && Array.isArray(other)) return differences(one[0], other[0], `${path}/0`);
  if (typeof one !== typeof other || Array.isArray(one) !== Array.isArray(other)) return [path];
  if (typeof one !== "object") return [];
  const [left, right] = [one as Record<string, unknown>, other as Record<string, unknown>];
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].flatMap((field) =>
    field in left && field in right ? differences(left[field], right[field], `${path}/${field}`) : [`${path}/${field}`],
  );
}
