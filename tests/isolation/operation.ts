import { inject } from "vitest";
import { call } from "../support/client.js";

/** As much of JSON Schema as the document uses. */
export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  pattern?: string;
  format?: string;
  examples?: unknown[];
  minimum?: number;
  maxLength?: number;
  minItems?: number;
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  anyOf?: Schema[];
}

interface Field {
  name: string;
  schema: Schema;
  required: boolean;
}

export interface Operation {
  /** `POST /v1/admin/products`: how it is called in what a test says. */
  name: string;
  method: string;
  path: string;
  /** `public`, `tenant`, `shopper`, `member`, or the name of a scope. */
  allow: string;
  params: Field[];
  query: Field[];
  headers: Field[];
  body: Schema | undefined;
  /** Status of success. */
  done: number;
  /** The kind of id of the thing in its answer: `prd`. */
  answers: string | undefined;
  /** The schema of its answer. */
  answer: Schema | undefined;
  /** The headers of its answer, in lower case. */
  told: string[];
  /** All that it says that it may answer. */
  statuses: number[];
}

interface Described {
  "x-allow": Operation["allow"];
  parameters?: { in: string; name: string; schema: Schema; required?: boolean }[];
  requestBody?: { content: { "application/json": { schema: Schema } } };
  responses: Record<
    string,
    { headers?: Record<string, unknown>; content?: { "application/json"?: { schema: Schema } } }
  >;
}

/** What the API says of itself: every operation that a stranger can read about. */
export async function operations(url = inject("system").url): Promise<Operation[]> {
  const { body: document } = await call("GET", `${url}/openapi.json`);
  const resolve = (schema: Schema): Schema => {
    if (schema.$ref) return resolve(document.components.schemas[schema.$ref.split("/").at(-1) ?? ""]);
    const { items, properties, anyOf } = schema;
    // One kind of thing or null has the fields of the thing.
    const [only, ...others] = anyOf?.filter(({ type }) => type !== "null") ?? [];
    if (only?.$ref && others.length === 0) {
      const { type = "object", ...thing } = resolve(only);
      return { ...thing, type: [type, "null"].flat() };
    }
    return {
      ...schema,
      ...(items && { items: resolve(items) }),
      ...(anyOf && { anyOf: anyOf.map(resolve) }),
      ...(properties && {
        properties: Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, resolve(value)])),
      }),
    };
  };
  const paths = Object.entries<Record<string, Described>>(document.paths);
  return paths.flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, said]) => {
      const fields = (place: string) =>
        (said.parameters ?? [])
          .filter((parameter) => parameter.in === place)
          .map(({ name, schema, required = false }) => ({ name, schema: resolve(schema), required }));
      const body = said.requestBody?.content["application/json"].schema;
      const done = Object.keys(said.responses).find((status) => status.startsWith("2")) ?? "";
      const answer = said.responses[done]?.content?.["application/json"]?.schema;
      return {
        name: `${method.toUpperCase()} ${path}`,
        method: method.toUpperCase(),
        path,
        allow: said["x-allow"],
        params: fields("path"),
        query: fields("query"),
        headers: fields("header"),
        body: body && resolve(body),
        done: Number(done),
        answer: answer && resolve(answer),
        answers: prefixOf(resolve(answer ?? {}).properties?.id ?? {}),
        told: Object.keys(said.responses[done]?.headers ?? {}).map((header) => header.toLowerCase()),
        statuses: Object.keys(said.responses).map(Number),
      };
    }),
  );
}

/** The kind of id that a text must be: `prd`; undefined when it is no id. A union counts as its first id. */
export function prefixOf({ pattern, anyOf = [] }: Schema): string | undefined {
  const own = /^\^([a-z]+)_\[0-7\]/.exec(pattern ?? "")?.[1];
  return own ?? anyOf.map(prefixOf).find((prefix) => prefix !== undefined);
}

export const isPublic = ({ allow }: Operation) => allow === "public";
export const isScope = (allow: string) => allow.includes(":");
