import { beforeAll, expect, test, vi } from "vitest";
import { type Operation, operations, prefixOf } from "../isolation/operation.js";
import { fieldsOf, sample } from "../isolation/sample.js";
import { fresh, newWorld, request, type World } from "../isolation/world.js";
import { expectNoFlaw, isText, type Probe, seen, some } from "./probe.js";

/** Every field and every parameter that the document names, with what an attacker would put there. */

vi.setConfig({ testTimeout: 120_000 });
let all: Operation[];
let world: World;

beforeAll(async () => {
  all = await operations();
  world = await newWorld();
});

const payloads = [
  "'",
  "''; select pg_sleep(20) --",
  "1) or 1=1 union select null,version(),null --",
  "\\'; select 1 --",
  "%_\\%",
  "{{7*7}}<script>alert(1)</script>",
  "../../etc/passwd",
  "a\u0000b",
  "\ud83d",
  "\u202e\u200d👩‍👩‍👧",
  "x".repeat(100_000),
];

const expectNone = (probes: readonly (Probe & { what: string })[], status?: readonly number[]) =>
  expectNoFlaw(world, probes, status);
const writing = () => all.filter(({ body }) => body);

test("in each text of a body", async () => {
  const probes = writing().flatMap((operation) =>
    fieldsOf(operation.body ?? {}, isText).flatMap(({ path }) =>
      some(operation, payloads).map((value) => ({
        operation,
        what: `${path.join("/")} = ${value}`,
        body: sample(operation.body ?? {}, world.ids, [{ path, value }]),
      })),
    ),
  );
  expect(probes.length).toBeGreaterThan(350);
  await expectNone(probes);
});

test("in each field of a body, a value of another type", async () => {
  const types = [null, true, 1.5, 1e308, [[]], { $ne: 1 }];
  const probes = writing().flatMap((operation) =>
    fieldsOf(operation.body ?? {}, () => true).flatMap(({ path }) =>
      some(operation, types).map((value) => ({
        operation,
        what: `${path.join("/")} = ${JSON.stringify(value)}`,
        body: sample(operation.body ?? {}, world.ids, [{ path, value }]),
      })),
    ),
  );
  await expectNone(probes);
});

test("in each parameter of a query, of the path, and in headers", async () => {
  const short = payloads.map((payload) => payload.slice(0, 3_000)).filter((payload) => payload !== "\ud83d");
  const wanted = all.filter(({ name }) => name !== "POST /v1/auth/logout"); // it would end the session of the others
  const probes = wanted.flatMap((operation) => {
    const inQuery = operation.query.flatMap(({ name }) =>
      short.map((value) => ({
        operation,
        what: `?${name}=${value}`,
        query: `?${new URLSearchParams({ [name]: value })}`,
      })),
    );
    const inPath = operation.params.flatMap(({ name }) =>
      short.map((value) => {
        const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, param: string) => {
          const field = operation.params.find((one) => one.name === param);
          return param === name ? encodeURIComponent(value) : (world.ids[prefixOf(field?.schema ?? {}) ?? ""] ?? "");
        });
        return { operation, what: `{${name}} = ${value}`, path };
      }),
    );
    const visible = short.filter((value) => /^[\x20-\x7e]+$/.test(value));
    const inHeaders = operation.headers.flatMap(({ name }) =>
      visible.map((value) => ({ operation, what: `${name}: ${value}`, headers: { [name]: value } })),
    );
    return [...inQuery, ...inPath, ...inHeaders];
  });
  expect(probes.length).toBeGreaterThan(1_000);
  await expectNone(probes);
});

test("parameters that nobody knows, or twice", async () => {
  const reading = all.filter(({ method, params }) => method === "GET" && params.length === 0);
  const known = reading.filter(({ query }) => query.some(({ name }) => name === "limit"));
  const one = (operation: Operation, query: string) => ({ operation, what: query, query });
  const unknown = ["sort=id", "offset=1", "select=*", "limit[]=1", "__proto__=1", "constructor=1", "id=1"];
  await expectNone(
    reading.flatMap((operation) => unknown.map((query) => one(operation, `?${query}`))),
    [422],
  );
  const limits = ["0", "-1", "101", "1e9", "1.5", "NaN", "", "null", "999999999999999999999"];
  await expectNone(
    known.flatMap((operation) => limits.map((limit) => one(operation, `?limit=${limit}`))),
    [422],
  );
  await expectNone(
    known.map((operation) => one(operation, "?limit=1&limit=2")),
    [400],
  );
});

test("no field of ours can be written", async () => {
  const ours = {
    id: "prd_01k9zv7cn3e5wam2jx9t0qhd8r",
    tenantId: world.tenant.id,
    tenant_id: world.tenant.id,
    version: 99,
  };
  const more = { createdAt: "2020-01-01T00:00:00Z", paidAt: "2020-01-01T00:00:00Z", isAdmin: true, ownerId: "x" };
  const rest = {
    total: 0,
    totalAmount: 0,
    paymentStatus: "captured",
    passwordHash: "x",
    tokenHash: "x",
    stripeId: "x",
    constructor: {},
  };
  const probes: (Probe & { what: string })[] = [];
  for (const operation of writing()) {
    const schema = operation.body ?? {};
    const target = await fresh(operation, world);
    const { path } = await request(operation, target);
    const objects = fieldsOf(schema, ({ properties }) => properties !== undefined);
    for (const { path: place, schema: inner } of objects) {
      for (const [name, value] of Object.entries({ ...ours, ...more, ...rest })) {
        if (Object.hasOwn(inner.properties ?? {}, name)) continue;
        const whole = sample(inner, world.ids) as object;
        const body = sample(schema, world.ids, [{ path: place, value: { ...whole, [name]: value } }]);
        probes.push({ operation, what: `${place.join("/")}/${name}`, path, body });
      }
    }
  }
  expect(probes.length).toBeGreaterThan(300);
  await expectNone(probes, [422]);
});

test("what was answered were refusals, and successes where the text is harmless", () => {
  expect(
    Object.keys(seen)
      .map(Number)
      .filter((status) => status >= 500),
  ).toEqual([]);
  expect(Object.values(seen).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(2_000);
});
