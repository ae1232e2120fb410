import { beforeAll, describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { hashPassword, refuseGuessable } from "../../core/identity/index.js";
import { parse } from "../../core/kernel/fn.js";
import { policies } from "../../core/rate/policy.js";
import { newTypeId } from "../../drizzle/typeid.js";
import { costOf } from "../../functions/http/price.js";
import { modules } from "../../functions/modules/index.js";
import { PROBLEM_LIMIT } from "../../functions/problem.js";
import { type Operation, operations, prefixOf, type Schema } from "../isolation/operation.js";
import { fieldsOf, sample } from "../isolation/sample.js";
import { call, newTenant, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { outcome } from "../support/outcome.js";
import { flaw } from "./sound.js";
import { raw } from "./wire.js";

/** What a refusal costs: an answer of a bounded size, made in a bounded time, whatever was sent. */

vi.setConfig({ testTimeout: 120_000 });
const endpoints = modules.flatMap(({ routes }) => routes ?? []);
const admin = administrator();
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

describe("an operation without a credential takes its tokens first", () => {
  const open = endpoints.filter(({ spec }) => spec.allow === "public");
  const json = ["content-type", "application/json"] as const;
  /** The rows of an address are those that come and change with its requests. */
  const buckets = async () =>
    new Map<string, number>(
      (await admin.query("select id, tokens from platform.bucket")).rows.map(({ id, tokens }) => [id, tokens]),
    );

  test("and each has a door", () => {
    expect(open.length).toBeGreaterThan(3);
    expect(open.filter(({ spec }) => !spec.door)).toEqual([]);
  });

  const kept = open.filter(({ spec }) => spec.door !== "open");
  test.each(
    kept.map((endpoint, at) => [`${endpoint.method} ${endpoint.path}`, endpoint, `127.0.6.${at + 1}`] as const),
  )(
    "%s: a body that is no JSON costs as much as another, and without tokens none is read",
    async (_, { method, path, spec }, from) => {
      const broken = () => raw({ method: method.toUpperCase(), path, from, headers: [json], body: '{"a":' });
      const before = await buckets();
      expect((await broken()).status).toBe(400);
      const mine = [...(await buckets())].filter(([id]) => id.startsWith(`${spec.door}:`) && !before.has(id));
      const [[id = "", tokens = 0] = []] = mine;
      expect(mine).toHaveLength(1);
      expect(tokens).toBe(
        policies[spec.door as "auth" | "signup"].capacity - costOf({ method, spec }, new URLSearchParams()),
      );
      await admin.query(
        "update platform.bucket set tokens = 0, refilled_at = now() + interval '1 minute' where id = $1",
        [id],
      );
      const { status, text, headers } = await broken();
      expect([status, JSON.parse(text).code, Number(headers["retry-after"]) > 0]).toEqual([429, "rate_limited", true]);
    },
  );

  test("also where there is no row for them: each environment counts by itself", async () => {
    const free = open.filter(({ spec }) => spec.door === "open").map(({ path }) => path);
    const others = ["/health", "/ready", "/docs", "/docs/errors", "/openapi.json", "/.well-known/jwks.json"];
    // One after the other, so that one environment gets them all, but for what the other tests send.
    const isLimited = async (path: string, requests: number) => {
      for (let count = 0; count < requests; count += 1)
        if ((await raw({ path, from: "127.0.6.100" })).status === 429) return true;
      return false;
    };
    expect(await isLimited("/health", 1_000)).toBe(true);
    for (const path of [...free, ...others]) expect([path, await isLimited(path, 100)]).toEqual([path, true]);
  });
});

describe("a text that grows", () => {
  /** What normalization, upper case or a keyboard makes long. */
  const kinds = [
    "\ufdfa",
    "\u{1d400}",
    "\u0390",
    "\ufb03",
    "\uac00",
    "\u1e9b\u0323",
    "\u0130",
    "qwertyuiop",
    "1q2w3e",
    "p4$$w0rd1|@(!3",
  ];
  const filled = (kind: string, length: number) => kind.repeat(Math.ceil(length / kind.length)).slice(0, length);

  test("costs no schema of an operation without a credential more than 50 ms", () => {
    const slow: unknown[] = [];
    let count = 0;
    for (const { path, spec } of endpoints.filter(({ spec }) => spec.allow === "public" && spec.body)) {
      const described = z.toJSONSchema(spec.body as z.ZodType, { io: "input", unrepresentable: "any" }) as Schema;
      const texts = fieldsOf(described, ({ properties, items }) => !properties && !items);
      for (const { path: field } of texts)
        for (const kind of kinds) {
          const body = sample(described, {}, [{ path: field, value: filled(kind, 1_024) }]);
          const cost = cpuOf(() => parse(spec.body as z.ZodType, body));
          count += 1;
          if (cost > 50) slow.push([path, field, kind, cost]);
        }
    }
    expect(slow).toEqual([]);
    expect(count).toBeGreaterThan(80);
  });

  test("costs the check of a password no more than 100 ms, and hashes wait in no long queue", async () => {
    const slow: unknown[] = [];
    const best = async (run: () => Promise<unknown>) => {
      const times: number[] = [];
      for (let round = 0; round < 3; round += 1) {
        const before = process.cpuUsage();
        await run().catch(() => undefined);
        const { user, system } = process.cpuUsage(before);
        times.push((user + system) / 1000);
      }
      return Math.min(...times);
    };
    await refuseGuessable("correct horse battery staple", []);
    // A busy machine is slower for both: a hash is 30 ms of an idle one.
    const most = Math.max(100, 5 * (await best(() => hashPassword("correct horse battery staple"))));
    for (const kind of kinds) {
      const about = [filled(kind, 200), filled(kind, 320)];
      const time = await best(() => refuseGuessable(filled(kind, 128), about));
      if (time > most) slow.push([kind, time, most]);
    }
    expect(slow).toEqual([]);
    const made = await Promise.allSettled(
      Array.from({ length: 40 }, () => hashPassword("correct horse battery staple")),
    );
    const refused = made.filter((one) => one.status === "rejected");
    expect(refused.map(({ reason }) => reason.code)).toEqual(Array(22).fill("password_busy"));
  });
});
