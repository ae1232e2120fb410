import * as z from "zod";

/** What a schema says of one place of a request, as JSON Schema. */
export interface Shape {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Shape>>;
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Shape[];
  readonly oneOf?: readonly Shape[];
  readonly allOf?: readonly Shape[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly items?: Shape;
  readonly additionalProperties?: Shape | boolean;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly description?: string;
  readonly examples?: readonly unknown[];
}

const known = new WeakMap<z.ZodType, Shape>();

/** The shape of a schema's input; it is made when the first request does not fit. */
export function shapeOf(schema: z.ZodType): Shape {
  const made = known.get(schema);
  if (made) return made;
  const shape = z.toJSONSchema(schema, { io: "input", unrepresentable: "any", reused: "inline" }) as Shape;
  known.set(schema, shape);
  return shape;
}

/** The shape itself, where another one is only named. */
const resolve = (root: Shape, shape: Shape | undefined): Shape | undefined =>
  shape?.$ref ? resolve(root, root.$defs?.[shape.$ref.replace("#/$defs/", "")]) : shape;

/** The alternatives of a shape, without those that only name others. */
function alternativesOf(root: Shape, shape: Shape | undefined): Shape[] {
  const found = resolve(root, shape);
  if (!found) return [];
  const inner = found.anyOf ?? found.oneOf ?? found.allOf;
  return inner ? inner.flatMap((one) => alternativesOf(root, one)) : [found];
}

const isShape = (value: Shape | boolean | undefined): value is Shape => typeof value === "object";

/** The shapes that a place of the request may have; none for a place that no schema knows. */
export function shapesAt(root: Shape, path: readonly PropertyKey[]): Shape[] {
  let shapes = alternativesOf(root, root);
  for (const part of path)
    shapes = shapes.flatMap(({ properties = {}, items, additionalProperties }) => {
      const rest = isShape(additionalProperties) ? additionalProperties : undefined;
      const inner = typeof part === "number" ? items : (properties[String(part)] ?? rest);
      const found = alternativesOf(root, inner);
      const { description } = inner ?? {};
      return description ? found.map((shape) => ({ description, ...shape })) : found;
    });
  return shapes;
}

const SHORT_LIST = 10;
const quoted = (value: unknown) => JSON.stringify(value);
const listed = (words: readonly string[], last: "or" | "and") =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`;

/** ` of 1 to 200 characters` */
function range(least: number | undefined, most: number | undefined, unit: string): string {
  const figure = (value: number) => value.toLocaleString("en");
  if (least !== undefined && most !== undefined && most < Number.MAX_SAFE_INTEGER)
    return ` of ${figure(least)} to ${figure(most)}${unit}`;
  if (most !== undefined && most < Number.MAX_SAFE_INTEGER) return ` of at most ${figure(most)}${unit}`;
  return least !== undefined && least > -Number.MAX_SAFE_INTEGER ? ` of at least ${figure(least)}${unit}` : "";
}

const formats: Readonly<Record<string, string>> = {
  email: 'an e-mail address, such as "ada@example.com"',
  uri: 'a URL, such as "https://shop.example/thanks"',
  "date-time": 'an instant, such as "2026-11-28T12:00:00Z"',
  date: 'a day, such as "2026-11-28"',
};

/** `an ISO 4217 code` of the description "ISO 4217 code: …". */
function nounOf(description: string): string {
  const noun = description.split(/[:.]/)[0] ?? "";
  const plain = /^[A-Z][a-z]/.test(noun) ? noun[0]?.toLowerCase() + noun.slice(1) : noun;
  return /^(?:an?|the) /.test(plain) ? plain : `${/^[aeiouAEIO]/.test(plain) ? "an" : "a"} ${plain}`;
}

function describeCodes({ description, examples, enum: codes = [] }: Shape): string {
  const example = `such as ${quoted(examples?.[0] ?? codes[0])}`;
  return description ? `${nounOf(description)}, ${example}` : `one of ${codes.length} codes, ${example}`;
}

function describeText({ format, examples, minLength, maxLength }: Shape): string {
  const known = format === undefined ? undefined : formats[format];
  if (known) return known;
  const example = examples?.[0] === undefined ? "" : `, such as ${quoted(examples[0])}`;
  return `text${range(minLength || undefined, maxLength, " characters")}${example}`;
}

function describeNumber({ type, minimum, maximum, description = "" }: Shape): string {
  if (/^minor units/i.test(description))
    return "a whole number of minor units: 46.50 EUR is 4650, and 4650 JPY is 4650";
  return `${type === "integer" ? "a whole number" : "a number"}${range(minimum, maximum, "")}`;
}

function describeObject({ properties = {}, required = [] }: Shape): string {
  const names = (required.length > 0 ? required : Object.keys(properties)).slice(0, SHORT_LIST);
  return names.length > 0
    ? `an object with ${listed(
        names.map((name) => `\`${name}\``),
        "and",
      )}`
    : "an object";
}

function describeShape(shape: Shape): string {
  if ("const" in shape) return quoted(shape.const);
  if (shape.enum) return shape.enum.length > SHORT_LIST ? describeCodes(shape) : listed(shape.enum.map(quoted), "or");
  switch (shape.type) {
    case "string":
      return describeText(shape);
    case "integer":
    case "number":
      return describeNumber(shape);
    case "boolean":
      return "true or false";
    case "array":
      return `a list${range(shape.minItems, shape.maxItems, " elements")}`;
    case "object":
      return describeObject(shape);
    default:
      return shape.type === "null" ? "null" : "";
  }
}

/** What to send at a place of these shapes: `text of 1 to 200 characters`; empty when no schema tells. */
export const describeShapes = (shapes: readonly Shape[]): string =>
  listed([...new Set(shapes.map(describeShape).filter((text) => text !== ""))], "or");
