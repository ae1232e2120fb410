import { beforeAll, expect, test, vi } from "vitest";
import * as z from "zod";
import { parse } from "../../core/kernel/fn.js";
import { newTypeId } from "../../drizzle/typeid.js";
import { modules } from "../../functions/modules/index.js";
import { PROBLEM_LIMIT } from "../../functions/problem.js";
import { type Operation, operations, prefixOf, type Schema } from "../isolation/operation.js";
import { fieldsOf, sample } from "../isolation/sample.js";
import { call, newTenant, type Tenant } from "../support/client.js";
import { outcome } from "../support/outcome.js";
import { flaw } from "./sound.js";

/** What a refusal costs: an answer of a bounded size, made in a bounded time, whatever was sent. */

vi.setConfig({ testTimeout: 120_000 });
let all: Operation[];
let tenant: Tenant;

beforeAll(async () => {
  all = await operations();
  tenant = await newTenant();
});

/** Sends a body or a query to an operation, with ids that nobody has; the caller is one who may call it. */
async function send(
  { method, path, params, allow }: Operation,
  { query = "", body }: { query?: string; body?: unknown },
) {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    newTypeId(prefixOf(params.find((field) => field.name === name)?.schema ?? {}) ?? "x"),
  );
  const caller = allow === "shopper" ? tenant.shop : tenant.owner;
  const headers = {
    "if-match": '"1"',
    "idempotency-key": "a-key",
    "x-cart-token": "a-token",
    ...(allow !== "public" && { authorization: `Bearer ${caller.credential}` }),
  };
  return call(method, caller.url + filled + query, { headers, body });
}

/** Fails with each request whose answer is larger than a problem may be, or no refusal of ours. */
async function expectBounded(requests: { operation: Operation; what: string; query?: string; body?: unknown }[]) {
  expect(requests.length).toBeGreaterThan(0);
  const wrong: unknown[] = [];
  for (const { operation, what, ...sent } of requests) {
    const answer = await send(operation, sent);
    const size = Buffer.byteLength(answer.text);
    const found = flaw(answer) ?? (answer.status < 400 || size > PROBLEM_LIMIT ? `${size} bytes` : undefined);
    if (found) wrong.push([operation.name, what, outcome(answer), found]);
  }
  expect(wrong).toEqual([]);
}

const unknown = (count: number, name = "k") =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`${name}${at}`, 1]));
const isList = ({ items }: Schema) => items !== undefined;
const bad = { "": [[]] };

test("to unknown members, parameters and wrong elements without number", async () => {
  const writes = all.filter(({ method }) => method !== "GET" && method !== "DELETE");
  const long = "~".repeat(1_000);
  const members = all
    .filter(({ method }) => method !== "GET")
    .flatMap((operation) => [
      { operation, what: "10,000 members", body: unknown(10_000) },
      { operation, what: "200 members with long names", body: unknown(200, long) },
    ]);
  const elements = writes.flatMap((operation) =>
    fieldsOf(operation.body ?? {}, isList).flatMap(({ path }) =>
      [10_000, 500].map((count) => ({
        operation,
        what: `${count} elements of ${path.join("/")}`,
        body: sample(operation.body ?? {}, {}, [{ path, value: Array(count).fill(bad) }]),
      })),
    ),
  );
  const query = `?${Object.keys(unknown(1_500)).join("&")}`;
  const parameters = all.map((operation) => ({ operation, what: "1,500 parameters", query }));
  expect(elements.length).toBeGreaterThan(8);
  await expectBounded([...members, ...elements, ...parameters]);
});

/** Milliseconds of this process' CPU; the best of three, since garbage is collected at some time. */
function cpuOf(run: () => unknown): number {
  const times = [1, 2, 3].map(() => {
    const before = process.cpuUsage();
    try {
      run();
    } catch {}
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...times);
}

test("is found by each schema within 100 ms of CPU, at the widest that a body may be", () => {
  const slow: unknown[] = [];
  const endpoints = modules.flatMap(({ routes }) => routes ?? []);
  for (const { method, path, spec } of endpoints) {
    const { body, query } = spec;
    const described = body && (z.toJSONSchema(body, { io: "input", unrepresentable: "any" }) as Schema);
    const lists = described ? fieldsOf(described, isList) : [];
    const widest = [
      unknown(200, "~".repeat(1_000)),
      ...lists.map(({ path }) => sample(described ?? {}, {}, [{ path, value: Array(500).fill(bad) }])),
      ...lists.map(({ path }) => sample(described ?? {}, {}, [{ path, value: Array(500).fill(unknown(15)) }])),
    ];
    const costs = [
      ...(body ? widest.map((value) => cpuOf(() => parse(body, value))) : []),
      query ? cpuOf(() => parse(query, unknown(50))) : 0,
    ];
    const worst = Math.max(...costs);
    if (worst > 100) slow.push([method, path, worst]);
  }
  expect(slow).toEqual([]);
});
