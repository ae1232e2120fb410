import { beforeAll, expect, test, vi } from "vitest";
import { isScope, type Operation, operations, type Schema } from "../isolation/operation.js";
import { fieldsOf, sample } from "../isolation/sample.js";
import { newWorld, request, type World } from "../isolation/world.js";
import { type Body, call } from "../support/client.js";

/** What a refusal says, for every field of every body: the field, what is wrong with it, and what to send instead. */

vi.setConfig({ testTimeout: 120_000 });
let all: Operation[];
let world: World;

beforeAll(async () => {
  all = await operations();
  world = await newWorld();
});

const writing = () => all.filter(({ body }) => body?.properties && Object.keys(body.properties).length > 0);
const JARGON =
  /\b(?:expected|received|invalid input|too (?:small|big)|string|int|integer|number to be|undefined|NaN|nullable|regex|pattern|ZodError)\b/i;

interface Fault {
  operation: Operation;
  /** Pointer of the field at fault. */
  pointer: string;
  body: unknown;
  /** What the sentence must say. */
  says: RegExp;
}

async function answerTo({ operation, body }: Pick<Fault, "operation" | "body">) {
  const made = await request(operation, world, { body });
  const caller = isScope(operation.allow) || operation.allow === "shopper" ? world.tenant : world.tenant.owner;
  const headers = {
    ...made.headers,
    ...(operation.allow !== "public" && { authorization: `Bearer ${caller.credential}` }),
  };
  return call(made.method, caller.url + made.path, { body, headers });
}

/** The faults that are told badly, or not at all. */
async function badlyTold(faults: readonly Fault[]): Promise<unknown[]> {
  const bad: unknown[] = [];
  const left = [...faults];
  const runner = async () => {
    for (let one = left.shift(); one; one = left.shift()) {
      const { status, body } = await answerTo(one);
      const told: { pointer: string; detail: string }[] = body?.errors ?? [];
      const { detail } = told.find(({ pointer }) => pointer === one?.pointer) ?? {};
      const isSentence =
        detail !== undefined &&
        /^\p{Lu}.*[.?!…]$/u.test(detail) &&
        !JARGON.test(detail.replace(/"[^"]*"|`[^`]*`/g, ""));
      if (status === 429) continue;
      if (status !== 422 || !isSentence || !one.says.test(detail ?? ""))
        bad.push([one.operation.name, one.pointer, status, detail ?? body?.code ?? told]);
    }
  };
  await Promise.all([1, 2, 3, 4].map(runner));
  return bad;
}

const pointerOf = (path: readonly string[]) => `/${path.join("/")}`;
/** A body with every optional field, so that each place of the schema is there. */
function fullBody({ body = {} }: Operation, more: { path: readonly string[]; value: unknown }[]) {
  return sample(body, world.ids, more);
}

const parentsOf = (operation: Operation) =>
  fieldsOf(operation.body ?? {}, (schema: Schema) => schema.properties !== undefined);

test("each required field that is left out", async () => {
  const faults = writing().flatMap((operation) =>
    parentsOf(operation).flatMap(({ path, schema }) =>
      (schema.required ?? []).map((name) => {
        const parent = sample(schema, world.ids, [], path.at(-1)) as Body;
        const { [name]: _, ...rest } = parent;
        const body = path.length === 0 ? rest : fullBody(operation, [{ path, value: rest }]);
        return { operation, pointer: pointerOf([...path, name]), body, says: /is required|must be/ };
      }),
    ),
  );
  expect(faults.length).toBeGreaterThan(60);
  expect(await badlyTold(faults)).toEqual([]);
});

test("each field that is misspelled", async () => {
  const faults = writing().flatMap((operation) =>
    parentsOf(operation).flatMap(({ path, schema }) =>
      Object.keys(schema.properties ?? {})
        .filter((name) => name.length > 3 && !(`${name}s` in (schema.properties ?? {})))
        .map((name) => {
          const misspelled = { ...(sample(schema, world.ids, [], path.at(-1)) as Body), [`${name}s`]: 1 };
          const body = path.length === 0 ? misspelled : fullBody(operation, [{ path, value: misspelled }]);
          const says = new RegExp(`not known: did you mean \`${name}\``);
          return { operation, pointer: pointerOf([...path, `${name}s`]), body, says };
        }),
    ),
  );
  expect(faults.length).toBeGreaterThan(130);
  expect(await badlyTold(faults)).toEqual([]);
});

test("each field with a value of another type", async () => {
  const wrong = { odd: true };
  const faults = writing().flatMap((operation) =>
    fieldsOf(operation.body ?? {}, ({ properties, type }) => !properties && type !== "object")
      .filter(({ path }) => path.length > 0)
      .map(({ path }) => ({
        operation,
        pointer: pointerOf(path),
        body: fullBody(operation, [{ path, value: wrong }]),
        says: /must (?:be|have|not)|takes|is not/,
      })),
  );
  expect(faults.length).toBeGreaterThan(130);
  expect(await badlyTold(faults)).toEqual([]);
});

test("money, currencies and lists of codes say what kind of value they take", async () => {
  const { tenant } = world;
  const price = (value: object) => ({
    body: { name: "Mug", variants: [{ sku: "M", prices: [{ amount: 1, currency: "EUR", ...value }] }] },
  });
  const told = async (value: object): Promise<string> =>
    (await tenant.call("POST", "/v1/admin/products", price(value))).body.errors[0].detail;
  expect(await told({ amount: 46.5 })).toContain("minor units: 46.50 EUR is 4650");
  expect(await told({ currency: "eur" })).toMatch(/an ISO 4217 code in capitals, such as "EUR"/);
  expect((await told({ currency: undefined })).length).toBeLessThan(120);
});

test("a missing Idempotency-Key is told with the errors of the body", async () => {
  const { status, body } = await world.tenant.call("POST", "/v1/admin/inventory/adjustments", { body: {} });
  expect(status).toBe(422);
  expect(body.errors.map(({ pointer }: Body) => pointer)).toEqual(["Idempotency-Key", "/adjustments", "/reason"]);
});

test("a refusal for a missing right names the scope and what the credential has", async () => {
  const key = await world.tenant.owner.post("/v1/admin/api-keys", {
    kind: "secret",
    name: "little",
    scopes: ["catalog:read"],
  });
  const scoped = all.filter(({ allow }) => isScope(allow) && allow !== "catalog:read");
  expect(scoped.length).toBeGreaterThan(40);
  for (const operation of scoped) {
    const made = await request(operation, world);
    const headers = { ...made.headers, authorization: `Bearer ${key.key}` };
    const { status, body } = await call(made.method, world.tenant.url + made.path, { body: made.body, headers });
    expect([operation.name, status, body.requiredScope, body.granted]).toEqual([
      operation.name,
      403,
      operation.allow,
      { scopes: ["catalog:read"] },
    ]);
    expect(body.detail).toContain(operation.allow);
  }
});

test("a cart whose token is missing says so", async () => {
  const { tenant, ids } = world;
  const { status, body } = await tenant.shop.call("GET", `/v1/store/carts/${ids.crt}`);
  expect([status, body.code]).toEqual([404, "cart.not_found"]);
  expect(body.detail).toContain("`x-cart-token`");
});
