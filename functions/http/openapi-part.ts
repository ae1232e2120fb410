import { pascal, singular } from "./operation-name.js";

/** A part of the document, as JSON. */
export interface Part {
  $ref?: string;
  type?: string | string[];
  format?: string;
  pattern?: string;
  enum?: unknown[];
  description?: string;
  required?: string[];
  properties?: Record<string, Part>;
  items?: Part;
  anyOf?: Part[];
  oneOf?: Part[];
  [more: string]: unknown;
}

export interface Components {
  [name: string]: Part;
}

export const refTo = (name: string): Part => ({ $ref: `#/components/schemas/${name}` });

/** The inner schemas of a schema, with what replaces each of them. */
function mapInner(schema: Part, map: (inner: Part, property?: string) => Part): Part {
  const { properties, items, anyOf, oneOf } = schema;
  return {
    ...schema,
    ...(properties && {
      properties: Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, map(inner, name)])),
    }),
    ...(items && { items: map(items) }),
    ...(anyOf && { anyOf: anyOf.map((inner) => map(inner)) }),
    ...(oneOf && { oneOf: oneOf.map((inner) => map(inner)) }),
  };
}

const isNull = ({ type, properties }: Part) => Array.isArray(type) && type.includes("null") && !properties;

/** A named schema or null, which the generator writes as both at once. */
export function allowNull(schema: Part): Part {
  const inner = mapInner(schema, (one) => allowNull(one));
  const { allOf, ...more } = inner as Part & { allOf?: Part[] };
  const named = allOf?.find(({ $ref }) => $ref);
  const others = allOf?.filter((one) => one !== named) ?? [];
  if (!named || !others.some(isNull)) return inner;
  const description = others.find((one) => one.description)?.description;
  return { ...more, ...(description && { description }), anyOf: [named, { type: "null" }] };
}

const INSTANT = /(?:At|Until|Since|Start|End|Date)$|^(?:at|start|end)$/;
const isText = ({ type }: Part) => [type].flat().includes("string");

/** Says of each text that is an instant that it is one, for clients in typed languages. */
export function markInstants(schema: Part, name = ""): Part {
  const { format, pattern, enum: values } = schema;
  const isInstant = INSTANT.test(name) && isText(schema) && !format && !pattern && !values;
  const inner = mapInner(schema, (one, property) => markInstants(one, property ?? name));
  return isInstant ? { ...inner, format: "date-time" } : inner;
}

const isMoney = ({ properties }: Part) =>
  properties !== undefined &&
  Object.keys(properties).sort().join() === "amount,currency" &&
  properties.amount?.type === "integer" &&
  properties.amount.minimum === undefined &&
  properties.currency?.$ref !== undefined;

/** Names money wherever its shape was repeated. */
export function nameMoney(schema: Part): Part {
  if (!isMoney(schema)) return mapInner(schema, (inner) => nameMoney(inner));
  return { ...refTo("Money"), ...(schema.description && { description: schema.description }) };
}

const fieldsOf = ({ type, properties = {} }: Part) => (type === "object" ? Object.keys(properties).length : 0);

/** What makes two schemas equal; their descriptions and examples do not. */
const keyOf = ({ description: _, examples: __, ...rest }: Part) => JSON.stringify(rest);

/** Moves nameless objects into the components; equal ones share a name. */
export class Namer {
  readonly #names = new Map<string, string>();

  constructor(readonly components: Components) {
    for (const [name, schema] of Object.entries(components)) this.#names.set(keyOf(schema), name);
  }

  /**
   * A schema in whose place only a name is left, when it is a nameless object.
   * @param least fields of an object that gets a name
   */
  name(schema: Part, wanted: string, least = 2): Part {
    const inner = this.nameInside(schema, wanted);
    if (fieldsOf(schema) < least) return inner;
    const text = keyOf(inner);
    const known = this.#names.get(text);
    if (known) return refTo(known);
    const name = this.#free(wanted);
    this.components[name] = inner;
    this.#names.set(text, name);
    return refTo(name);
  }

  /** The schema, whose inner objects have got names that begin with its own. */
  nameInside(schema: Part, own: string): Part {
    return mapInner(schema, (inner, property) => {
      const whole = property === undefined ? own : own + pascal(property);
      if (inner.items) return { ...inner, items: this.name(inner.items, singular(whole)) };
      return this.name(inner, whole);
    });
  }

  #free(wanted: string): string {
    for (let name = wanted, count = 2; ; name = `${wanted}${count}`, count += 1)
      if (!this.components[name]) return name;
  }
}

/** The components that `root` leads to. */
export function usedOf(root: unknown, components: Components): Components {
  const used = new Set<string>();
  const visit = (text: string) => {
    for (const [, name = ""] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g))
      if (!used.has(name)) {
        used.add(name);
        visit(JSON.stringify(components[name] ?? {}));
      }
  };
  visit(JSON.stringify(root));
  return Object.fromEntries(Object.entries(components).filter(([name]) => used.has(name)));
}
