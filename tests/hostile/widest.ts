import type * as z from "zod";
import type { Operation, Schema } from "../isolation/operation.js";
import { prefixOf } from "../isolation/operation.js";
import { type Ids, sample } from "../isolation/sample.js";
import { unique } from "../support/client.js";

type Path = readonly string[];

/** Places of a schema that can be left out, be longer, or be more, those outside first. */
function places(schema: Schema, path: Path = []): { path: Path; schema: Schema }[] {
  const inner = Object.entries(schema.properties ?? {}).flatMap(([name, value]) => places(value, [...path, name]));
  return [{ path, schema }, ...inner, ...(schema.items ? places(schema.items, [...path, "0"]) : [])];
}

/** Another element of an array that differs from the one that is there wherever that matters. */
function another(value: unknown, at: number, many: Record<string, readonly string[]>): unknown {
  if (Array.isArray(value)) return value.map((each) => another(each, at, many));
  if (value !== null && typeof value === "object")
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, another(each, at, many)]));
  if (typeof value !== "string") return value;
  const others = many[/^([a-z]{3})_/.exec(value)?.[1] ?? ""];
  if (others) return others[at % others.length];
  return value.length > 8 && !/[:@]/.test(value) ? `${value.slice(0, -5)}${String(at).padStart(5, "0")}` : value;
}

function put(body: unknown, [step, ...rest]: Path, value: unknown): unknown {
  if (step === undefined) return value;
  if (Array.isArray(body)) return body.map((each, at) => (String(at) === step ? put(each, rest, value) : each));
  return { ...(body as object), [step]: put((body as Record<string, unknown>)?.[step], rest, value) };
}
const get = (body: unknown, path: Path): unknown =>
  path.reduce<unknown>((value, step) => (value as Record<string, unknown> | undefined)?.[step], body);

/** Bodies whose widest form no schema can say. */
const given: Record<string, (ids: Ids, variants: readonly string[]) => unknown> = {
  "POST /v1/admin/products": () => {
    const values = Array.from({ length: 100 }, (_, at) => `Kind ${at}`.padEnd(100, "~"));
    return {
      name: "€".repeat(200),
      description: "€".repeat(20_000),
      options: [{ name: "Kind", values }],
      variants: values.map((value) => ({ sku: unique("S-").padEnd(100, "~"), options: { Kind: value } })),
    };
  },
  "POST /v1/store/carts": (_, variants) => ({ lines: variants.map((variantId) => ({ variantId, quantity: 1 })) }),
  "POST /v1/admin/inventory/adjustments": (_, variants) => ({
    adjustments: variants.map((variantId) => ({ variantId, delta: 1 })),
    reason: "received",
  }),
};

/** The widest body that the schema admits: from the smallest one, each part that can be there, be longer or be more. */
export function widest(operation: Operation, schema: z.ZodType, ids: Ids, variants: readonly string[]): unknown {
  const made = given[operation.name]?.(ids, variants);
  if (made) return made;
  const described = operation.body ?? {};
  let body = sample(described, ids);
  const isAdmitted = (value: unknown) => JSON.stringify(value).length < 250_000 && schema.safeParse(value).success;
  const grow = (path: Path, values: readonly unknown[]) => {
    const found = values.map((value) => put(body, path, value)).find(isAdmitted);
    if (found) body = found;
  };
  for (const { path, schema: at } of places(described)) {
    const there = get(body, path);
    if (path.length > 0 && there === undefined && !path.includes("0")) grow(path, [sample(at, ids, [], path.at(-1))]);
    const length = at.maxLength ?? 0;
    const isText = length > 0 && !prefixOf(at) && !at.enum && !at.format;
    if (isText)
      grow(
        path,
        [..."€~a"].map((letter) => letter.repeat(length)),
      );
    if (at.type === "integer")
      grow(
        path,
        [(at as { maximum?: number }).maximum].filter((most) => most !== undefined),
      );
  }
  for (const { path, schema: at } of places(described).toReversed()) {
    const there = get(body, path);
    if (!at.items || !Array.isArray(there) || there.length === 0) continue;
    const [first] = there;
    const most = (at as { maxItems?: number }).maxItems ?? 500;
    const many = at.items.enum
      ? [at.items.enum]
      : [most, 100, 50, 20, 10].map((count) =>
          Array.from({ length: count }, (_, nth) => another(first, nth, { var: variants })),
        );
    grow(path, many);
  }
  return body;
}
