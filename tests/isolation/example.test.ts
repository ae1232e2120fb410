import { readFileSync, writeFileSync } from "node:fs";
import { beforeAll, expect, test, vi } from "vitest";
import type * as z from "zod";
import type { Endpoint } from "../../functions/http/endpoint.js";
import type { Example, Examples } from "../../functions/http/openapi-example.js";
import { operationName } from "../../functions/http/operation-name.js";
import { modules } from "../../functions/modules/index.js";
import { Caller } from "../support/client.js";
import { administrator } from "../support/database.js";
import { differences, idOf, stabilize, withIds } from "./example.js";
import { own, requests } from "./example-request.js";
import { type Operation, operations } from "./operation.js";
import { type Ids, sample } from "./sample.js";
import { quiet } from "./victim.js";
import { fresh, newWorld, request, subscribe, type World } from "./world.js";

/** The examples of the document are what the running system takes and answers. `npm run openapi:examples` writes them. */

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const file = new URL("../../docs/reference/examples.json", import.meta.url);
const isRecording = process.env.npm_lifecycle_event === "openapi:examples";
const endpoints = modules.flatMap(({ routes = [] }) => routes);
const recorded: Examples = JSON.parse(readFileSync(file, "utf8"));
const queries: Record<string, string> = { listEvents: "?limit=1&type=order.placed" };

const nameOf = ({ method, path }: Operation) =>
  operationName({ method: method.toLowerCase() as Endpoint["method"], path });

/** The body to try: what the document shows, or what it shall show. */
function exampleFor(operation: Operation, { ids }: World): unknown {
  if (!operation.body) return undefined;
  const name = nameOf(operation);
  if (!isRecording) return recorded[name]?.request;
  const shown: Ids = Object.fromEntries(Object.keys(ids).map((prefix) => [prefix, idOf(prefix)]));
  return requests[name] ?? sample(operation.body, shown);
}

const callerFor = ({ allow }: Operation, { tenant }: World) =>
  allow === "public" ? new Caller(tenant.url, undefined) : allow === "shopper" ? tenant.shop : tenant.owner;

/** Headers that an answer always has, or never; others depend on the request. */
const told = ["etag", "ratelimit", "ratelimit-policy", "x-request-id"];

/** Sends the example of an operation, and answers what there was to see. */
async function tryOut(operation: Operation, world: World) {
  const name = nameOf(operation);
  const made = await fresh(operation, world);
  const example = exampleFor(operation, made);
  const body =
    example === undefined ? undefined : { ...(withIds(example, made.ids) as object), ...(await own[name]?.(made)) };
  const { method, path, ...options } = await request(operation, made, { body });
  const query = queries[name] ?? (operation.query.some(({ name }) => name === "limit") ? "?limit=1" : "");
  const answer = await callerFor(operation, made).call(method, path + query, options);
  const response = answer.text === "" ? undefined : stabilize(answer.body, made.ids);
  const { status, text: said, headers } = answer;
  const misled = told.filter((header) => headers.has(header) !== operation.told.includes(header));
  return { example: { request: example, response }, status, said, misled };
}

/** What reads comes first, so that no list shows what the writes of this test have left. */
const inOrder = (all: readonly Operation[]) => [
  ...all.filter(({ method }) => method === "GET"),
  ...all.filter(({ method, name }) => method !== "GET" && name !== "POST /v1/auth/logout"),
  ...all.filter(({ name }) => name === "POST /v1/auth/logout"),
];

let all: Operation[];
let world: World;

beforeAll(async () => {
  all = await operations();
  world = await newWorld();
  await subscribe(world.tenant);
  await quiet(administrator(), world.tenant);
});

test("each example of a request is accepted, and each example of an answer is what is answered", async () => {
  const [refused, changed, misleading]: [unknown[], unknown[], unknown[]] = [[], [], []];
  const seen: Record<string, Example> = {};
  for (const operation of inOrder(all)) {
    const name = nameOf(operation);
    const { example, status, said, misled } = await tryOut(operation, world);
    misleading.push(...misled.map((header) => `${name} ${header}`));
    seen[name] = example;
    if (status !== operation.done) refused.push([name, status, said.slice(0, 400)]);
    else changed.push(...differences(recorded[name]?.response, example.response).map((path) => `${name} ${path}`));
  }
  expect(refused).toEqual([]);
  expect(misleading).toEqual([]);
  if (!isRecording) return expect(changed).toEqual([]);
  const names = endpoints.map((endpoint) => operationName(endpoint));
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(names.map((name) => [name, seen[name]])), null, 2)}\n`);
});

/** Where a value is not what its schema says; what the schema does not know is a fault, too. */
function faultsOf(who: string, schema: z.ZodType | undefined, value: unknown): string[] {
  if (!schema) return value === undefined ? [] : [`${who} is shown and there is none`];
  const { success, error, data } = schema.safeParse(value);
  if (!success) return error.issues.map(({ path, code }) => `${who} /${path.join("/")} ${code}`);
  return differences(value, data)
    .filter((path) => isThere(value, path))
    .map((path) => `${who} ${path} is not declared`);
}

/** What a schema adds of itself, such as a default, need not be shown. */
const isThere = (value: unknown, path: string) =>
  path
    .split("/")
    .slice(1)
    .reduce((inner, step) => (inner as Record<string, unknown> | undefined)?.[step], value) !== undefined;

test("each body and each answer has an example, which fits its schema", () => {
  const examples: Examples = JSON.parse(readFileSync(file, "utf8"));
  const wrong = endpoints.flatMap((endpoint) => {
    const name = operationName(endpoint);
    const { body, returns } = endpoint.spec;
    return [
      ...faultsOf(`${name}: body`, body, examples[name]?.request),
      ...faultsOf(`${name}: answer`, returns[1], examples[name]?.response),
    ];
  });
  expect(wrong).toEqual([]);
  expect(Object.keys(examples)).toEqual(endpoints.map((endpoint) => operationName(endpoint)));
});
