import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { modules } from "../functions/modules/index.js";
import { goods, shops } from "../stacks/local/demo/demo.js";

// biome-ignore lint/suspicious/noExplicitAny: any part of an OpenAPI document
type Json = any;

const root = new URL("..", import.meta.url).pathname;
const read = (file: string) => readFileSync(join(root, file), "utf8");
const under = (folder: string, ending: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));
const sources = ["core", "functions", "plugins"].flatMap((folder) => under(folder, ".ts")).map(read);
const headings = (file: string) => [...read(file).matchAll(/^## (.+)$/gm)].map(([, name]) => name);

const everything = [...sources, ...under("drizzle", ".ts").map(read)].join("\n");
const documents = ["README.md", "CONTRIBUTING.md", "plugins/README.md", ...under("docs", ".md")];
const defines = (name: string) => new RegExp(`\\b(?:function|const) ${name}\\b`).test(everything);

/** The stable codes that the source can answer. */
function codes(): string[] {
  const found = sources.flatMap((source) => [
    ...[
      ...source.matchAll(
        /\b(?:malformed|invalid|unauthenticated|forbidden|conflict|stale|providerUnreachable|providerFault)\(\s*"([\w.]+)"/g,
      ),
    ].map(([, code]) => code),
    ...[...source.matchAll(/new Failure\(\s*"\w+",\s*"([\w.]+)"/g)].map(([, code]) => code),
    ...[...source.matchAll(/problem\(\{[^}]*code: "([\w.]+)"/g)].map(([, code]) => code),
    ...[...source.matchAll(/@throws Failure conflict `([\w.]+)`/g)].map(([, code]) => code),
    ...[...source.matchAll(/notFound\(\s*"(\w+)"/g)].map(([, noun]) => `${noun}.not_found`),
  ]);
  return [...new Set(found as string[])].sort();
}

describe("the documentation", () => {
  test("has a paragraph about each error code, and about no other", () => {
    expect(headings("docs/errors.md")).toEqual(codes());
  });

  test("has a paragraph about each event, and about no other", () => {
    const events = modules.flatMap((module) => module.events ?? []).map(({ type }) => type);
    expect(headings("docs/events.md")).toEqual([...new Set(events)].sort());
  });

  test("names are permanent and unique: subscribers, jobs, sweeps, events", () => {
    const names = modules.flatMap(({ subscribers = [], jobs = [], sweeps = [], events = [] }) => [
      ...[...subscribers, ...jobs.map(({ job }) => job), ...sweeps].map(({ name }) => name),
      ...events.map(({ type }) => `event ${type}`),
    ]);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test("every subscriber listens to an event that some module declares", () => {
    const declared = new Set(modules.flatMap((module) => module.events ?? []).map(({ type }) => type));
    const heard = modules.flatMap((module) => module.subscribers ?? []).map(({ event }) => event.type);
    expect(heard.filter((type) => !declared.has(type))).toEqual([]);
  });

  test.each(["platform", "connect"])("lists the events of Stripe's endpoint /%s", (endpoint) => {
    const handlers = modules.flatMap(({ stripe = [] }) => stripe).filter((handler) => handler.endpoint === endpoint);
    const section = read("docs/guides/payments.md").split(`/${endpoint}\` receives`)[1] ?? "";
    const list = /```\n([^`]*)\n```/.exec(section)?.[1];
    expect(list?.split("\n")).toEqual([...new Set<string>(handlers.flatMap(({ types }) => types))].sort());
  });

  test("names files and functions that exist", () => {
    const missing = documents.flatMap((file) => {
      const text = read(file);
      const paths = [...text.matchAll(/(?<![\w/.-])(?:core|docs|drizzle|functions|plugins|stacks|tests)\/[\w./-]*\w/g)];
      const functions = [...text.matchAll(/`(?:\w+\.)?(\w+)\([^`]*\)`/g)].map(([, name = ""]) => name);
      return [
        ...paths.filter(([path]) => !existsSync(join(root, path))).map(([path]) => `${file}: ${path}`),
        ...functions.filter((name) => !defines(name)).map((name) => `${file}: ${name}()`),
      ];
    });
    expect(missing).toEqual([]);
  });
});

describe("the description of the API", () => {
  const described = JSON.parse(read("docs/openapi.json"));
  const operations = Object.values<Record<string, Json>>(described.paths).flatMap((path) => Object.values(path));
  const schemas: Record<string, Json> = described.components.schemas;

  /** All parts of the description, with the name of the property that leads to each. */
  function parts(node: unknown, name = ""): { name: string; part: Json }[] {
    if (node === null || typeof node !== "object") return [];
    const inner = Object.entries(node).flatMap(([key, value]) => parts(value, key));
    return Array.isArray(node) ? inner : [{ name, part: node as Json }, ...inner];
  }

  test("names operations as a person would, and each otherwise", () => {
    const ids: string[] = operations.map(({ operationId }) => operationId);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    expect(ids.filter((id) => !/^[a-z]+(?:[A-Z][a-z]+)+$/.test(id) || /By[A-Z]|Admin|V1/.test(id))).toEqual([]);
    expect(ids).toEqual(expect.arrayContaining(["createProduct", "addCartLine", "completeCart", "listStoreProducts"]));
  });

  test("names the schema of each body and answer, money and lists, and repeats no Problem", () => {
    const contents = operations.flatMap(({ requestBody, responses }) => [
      ...(requestBody ? [requestBody.content] : []),
      ...Object.values<Json>(responses).flatMap(({ content }) => (content ? [content] : [])),
    ]);
    expect(contents.filter((content) => !content["application/json"]?.schema.$ref)).toEqual([]);
    const money = parts(described).filter(
      ({ name, part }) => name !== "Money" && Object.keys(part.properties ?? {}).join() === "amount,currency",
    );
    expect(money.filter(({ part }) => part.properties.amount.minimum === undefined)).toEqual([]);
    expect(Object.keys(schemas)).toEqual(expect.arrayContaining(["ProductCreate", "ProductList", "CartLine"]));
    const refused = operations.flatMap(({ responses }) =>
      Object.entries<Json>(responses).filter(([status]) => status >= "4"),
    );
    expect(refused.filter(([, { $ref }]) => !$ref)).toEqual([]);
  });

  test("says null where null is, and only there", () => {
    const isNull = ({ part }: { part: Json }) => [part.type].flat().includes("null");
    expect(Object.keys(schemas).filter((name) => isNull({ part: schemas[name] ?? {} }))).toEqual([]);
    expect(schemas.Cart?.properties.shippingAddress.anyOf).toContainEqual({ type: "null" });
    expect(schemas.Order?.properties.shippingAddress).toEqual({ $ref: "#/components/schemas/Address" });
  });

  test("marks instants", () => {
    const texts = parts(schemas).filter(
      ({ name, part }) => /At$|Until$/.test(name) && [part.type].flat().includes("string"),
    );
    expect(texts.length).toBeGreaterThan(30);
    expect(texts.filter(({ part }) => part.format !== "date-time")).toEqual([]);
  });

  const resolve = (part: Json): Json => (part?.$ref ? schemas[part.$ref.split("/").at(-1)] : part);
  /** What is said about a field: at its place, or where its schema has its name. */
  const said = (part: Json): string =>
    part.description ?? resolve(part).description ?? (part.anyOf ?? []).map(said).find(Boolean) ?? "";

  /** The fields of a body and of all that is in it, by path. */
  function fields(part: Json, path: string, within: readonly Json[] = []): { path: string; part: Json }[] {
    const schema = resolve(part);
    if (!schema || within.includes(schema)) return [];
    const deeper = [...within, schema];
    const own = Object.entries<Json>(schema.properties ?? {}).flatMap(([name, inner]) => [
      { path: `${path}/${name}`, part: inner },
      ...fields(inner, `${path}/${name}`, deeper),
    ]);
    const others = [schema.items, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])];
    return [...own, ...others.flatMap((inner) => fields(inner, path, deeper))];
  }

  test("says in words what each parameter and each field of each body is, and the unit of each number", () => {
    const parameters: { path: string; part: Json }[] = operations.flatMap(({ operationId, parameters = [] }) =>
      parameters.map(({ name, description, schema }: Json) => ({
        path: `${operationId} ?${name}`,
        part: { ...resolve(schema), ...(description && { description }) },
      })),
    );
    const bodies = operations.flatMap(({ operationId, requestBody }) =>
      fields(requestBody?.content["application/json"].schema, operationId),
    );
    const all = [...parameters, ...bodies];
    expect(all.length).toBeGreaterThan(300);
    expect(all.filter(({ part }) => said(part).split(" ").length < 2).map(({ path }) => path)).toEqual([]);
    const numbers = all.filter(({ part }) => /integer|number/.test(String(resolve(part).type)));
    const unit = /minor units|basis points|number of|seconds|hours|percent|units|position|orders|carts/i;
    expect(numbers.length).toBeGreaterThan(50);
    expect(numbers.filter(({ part }) => !unit.test(said(part))).map(({ path }) => path)).toEqual([]);
  });

  test("has an example of each body and of each answer", () => {
    const contents = operations.flatMap(({ operationId, requestBody, responses }) => [
      [`${operationId} body`, requestBody?.content["application/json"]],
      ...Object.entries<Json>(responses)
        .filter(([status]) => status < "300")
        .map(([, { content }]) => [`${operationId} answer`, content?.["application/json"]]),
    ]);
    const without = contents.filter(([, content]) => content && !Object.values<Json>(content.examples ?? {})[0]?.value);
    expect(without.map(([name]) => name)).toEqual([]);
  });

  test("creates products and variants in its examples that the demo shops do not have yet", () => {
    const known = shops.flatMap(({ slug, currency }) => goods(slug, currency));
    const taken = known.flatMap(({ slug, name, variants }) => [slug, name, ...variants.map(({ sku }) => sku)]);
    const shown = ["createProduct", "addVariant", "updateVariant", "updateProduct"].map((name) => {
      const { requestBody } = operations.find(({ operationId }) => operationId === name) as Json;
      return JSON.stringify(requestBody.content["application/json"].examples);
    });
    expect(taken.filter((text) => shown.some((example) => example.includes(`"${text}"`)))).toEqual([]);
  });

  test("declares each tag, each code and each event", () => {
    const tags: Json[] = described.tags;
    const used = new Set(operations.flatMap((operation) => operation.tags));
    expect([...used].filter((tag) => !tags.some(({ name, description }) => name === tag && description))).toEqual([]);
    expect(schemas.Problem?.properties.code.enum).toEqual(codes());
    const types = Object.keys(schemas.Event?.discriminator.mapping);
    expect(types.sort()).toEqual([...headings("docs/events.md")].sort());
  });
});
