import { password, unique } from "../support/client.js";
import { type Operation, prefixOf, type Schema } from "./operation.js";

/** One id for each kind of thing, by prefix. */
export type Ids = Record<string, string>;

/** A field of a body that gets a value of its own; what leads to it is made, though it were optional. */
export interface Aim {
  path: readonly string[];
  value: unknown;
}

/** Fields with a value of their own, and optional ones of which one is needed. */
export const also: Record<string, readonly Aim[]> = {
  "PATCH /v1/admin/products/{id}": [{ path: ["variants", "0", "options"], value: {} }],
  "PUT /v1/admin/payment-methods": [{ path: ["methods"], value: null }],
  "POST /v1/admin/inventory/adjustments": [{ path: ["adjustments", "0", "delta"], value: 1 }],
};

/** What schemas cannot say: texts that must be new, or that mean something. */
const words: Record<string, () => unknown> = {
  country: () => "DE",
  currency: () => "EUR",
  email: () => `${unique("e")}@matrix.test`,
  password: () => password,
  slug: () => unique(),
  sku: () => unique("SKU-"),
};

/** A value that fits the schema, as small as can be: what is required, and what `aims` lead to. */
export function sample(schema: Schema, ids: Ids, aims: readonly Aim[] = [], name = ""): unknown {
  const aimed = aims.find(({ path }) => path.length === 0);
  if (aimed) return aimed.value;
  const { properties, items, enum: allowed, examples, required = [] } = schema;
  const beyond = (step: string) =>
    aims.flatMap(({ path: [first, ...rest], value }) => (first === step ? [{ path: rest, value }] : []));
  if (properties) {
    const fields = Object.entries(properties).filter(
      ([field]) => required.includes(field) || aims.some(({ path }) => path[0] === field),
    );
    return Object.fromEntries(fields.map(([field, value]) => [field, sample(value, ids, beyond(field), field)]));
  }
  if (items) return [sample(items, ids, beyond("0"), name)];
  const prefix = prefixOf(schema);
  if (prefix) return ids[prefix];
  if (words[name]) return words[name]();
  if (allowed) return allowed[0];
  if (examples) return examples[0];
  return plain(schema);
}

function plain({ type, format, minimum = 0 }: Schema): unknown {
  if (format === "uri" || format === "uri-template") return "https://matrix.test/";
  if (format === "date-time") return new Date(Date.now() + 86_400_000).toISOString();
  const kind = Array.isArray(type) ? type[0] : type;
  if (kind === "integer" || kind === "number") return Math.max(1, minimum);
  return kind === "boolean" ? true : kind === "object" ? {} : "matrix";
}

/** Where fields lie that `wanted` picks; `0` is the first item of an array. */
export function fieldsOf(
  schema: Schema,
  wanted: (schema: Schema) => boolean,
  path: readonly string[] = [],
): { path: readonly string[]; schema: Schema }[] {
  const own = wanted(schema) ? [{ path, schema }] : [];
  const inner = Object.entries(schema.properties ?? {}).flatMap(([name, value]) =>
    fieldsOf(value, wanted, [...path, name]),
  );
  return [...own, ...inner, ...(schema.items ? fieldsOf(schema.items, wanted, [...path, "0"]) : [])];
}

/** Values in a path that are no ids. */
export const inPath: Record<string, string> = { "GET /v1/store/countries/{code}": "DE" };

/** The path of an operation with ids in its places. */
export const pathOf = ({ name, path, params }: Operation, ids: Ids) =>
  path.replace(/\{(\w+)\}/g, (_, param: string) => {
    const field = params.find((one) => one.name === param);
    return ids[prefixOf(field?.schema ?? {}) ?? ""] ?? inPath[name] ?? unique("none");
  });
