import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { type Answer, Caller, call, newMember, newProduct, newTenants, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { tally } from "../support/outcome.js";
import { atOnce, prepared, tenantUuid, violations } from "./race.js";

const path = "/v1/admin/inventory/adjustments";
vi.setConfig({ testTimeout: 90_000 }); // the crowd waits for 16 environments to start
const admin = administrator();
let tenant: Tenant;
let other: Tenant;
let variantId: string;

beforeAll(async () => {
  [tenant, other] = (await newTenants(2)) as [Tenant, Tenant];
  ({ variantId } = await newProduct(tenant));
});

/** Puts units on the shelf: each effect is one movement, which names the request. */
const put = (caller: Caller, key: string, { reference = key, delta = 1, variant = variantId } = {}) =>
  caller.call("POST", path, {
    body: { adjustments: [{ variantId: variant, delta }], reason: "received", reference },
    headers: { "idempotency-key": key },
  });

const count = async (query: string, ...values: unknown[]) =>
  Number((await admin.query(query, [tenantUuid(tenant), ...values])).rows[0].n);
const effects = (reference: string) =>
  count("select count(*) as n from stock_movement where tenant_id = $1 and reference = $2", reference);
const stored = (key: string) =>
  count("select count(*) as n from idempotency_key where tenant_id = $1 and id like '% ' || $2", key);

const replayed = ({ headers }: Answer) => headers.get("idempotent-replayed") === "true";

describe("50 equal requests at once", () => {
  test("have one effect per key, and equal answers byte for byte", async () => {
    const keys = Array.from({ length: 4 }, () => randomUUID());
    const answers = await Promise.all(keys.map((key) => atOnce(50, () => put(tenant, key))));
    for (const [index, key] of keys.entries()) {
      const all = [...(answers[index] ?? []), await put(tenant, key)];
      expect(await effects(key)).toBe(1);
      const { "200": done, "409 idempotency_key_in_flight": busy = 0, ...others } = tally(all);
      expect([others, (done ?? 0) + busy]).toEqual([{}, 51]);
      const finished = all.filter(({ status }) => status === 200);
      expect(new Set(finished.map(({ text }) => text)).size).toBe(1);
      expect(finished.filter((answer) => !replayed(answer))).toHaveLength(1);
      for (const { status, headers } of all) if (status === 409) expect(headers.get("retry-after")).toBe("1");
    }
  });

  test.each(["the same key", "keys of their own"])("complete a cart once, with %s", async (keys) => {
    const product = await newProduct(tenant, { stock: 5 });
    const cart = await prepared(tenant, [{ variantId: product.variantId, quantity: 2 }]);
    const key = randomUUID();
    const complete = (index: number) => cart.complete(keys === "the same key" ? key : `${key}-${index}`);
    const answers = [...(await atOnce(50, complete)), await complete(0)];
    const { "200": _, "409 idempotency_key_in_flight": busy = 0, ...others } = tally(answers);
    expect(others).toEqual({});
    if (keys !== "the same key") expect(busy).toBe(0);
    const done = answers.filter(({ status }) => status === 200);
    expect(new Set(done.map(({ body }) => JSON.stringify([body.order, body.payment]))).size).toBe(1);
    const orderId = done[0]?.body.order.id;
    expect(await effects(orderId)).toBe(1);
    const { data } = await tenant.get(`/v1/admin/inventory?variantId=${product.variantId}`);
    expect(data[0]).toMatchObject({ onHand: 3, reserved: 0 });
    expect((await tenant.get(`/v1/admin/orders/${orderId}`)).payments).toHaveLength(1);
    expect(await violations(admin, tenant)).toEqual([]);
  });
});

describe("a key", () => {
  test("belongs to one request: another body, query or route is refused", async () => {
    const key = randomUUID();
    expect((await put(tenant, key)).status).toBe(200);
    const body = { adjustments: [{ variantId, delta: 1 }], reason: "received", reference: key };
    const headers = { "idempotency-key": key };
    const others = [
      await put(tenant, key, { delta: 2 }),
      await tenant.call("POST", path, { body: `${JSON.stringify(body)} `, headers }), // by bytes, not by meaning
      await tenant.call("POST", "/v1/admin/products", { body: { name: "Mug" }, headers }),
    ];
    expect(tally(others)).toEqual({ "422 idempotency_key_reused": 3 });
    expect(await effects(key)).toBe(1);
  });

  test("belongs to one principal of one tenant", async () => {
    const [key, product] = [randomUUID(), await newProduct(other)];
    const second = await tenant.owner.post("/v1/admin/api-keys", {
      kind: "secret",
      name: "second",
      scopes: ["inventory:write"],
    });
    const member = await newMember(tenant, "ADMIN");
    const secondKey = new Caller(tenant.url, second.key);
    const answers = [
      await put(tenant, key),
      await put(secondKey, key),
      await put(tenant.owner, key),
      await put(member, key),
      await put(other, key, { variant: product.variantId }),
    ];
    expect(tally(answers)).toEqual({ "200": 5 });
    expect(answers.some(replayed)).toBe(false);
    expect(await effects(key)).toBe(4);
    const mine = await prepared(tenant, [{ variantId, quantity: 1 }]);
    const theirs = await prepared(tenant, [{ variantId, quantity: 1 }]);
    const [first, next] = [await mine.complete(key), await theirs.complete(key)];
    expect([first.status, next.status]).toEqual([200, 200]);
    expect(first.body.order.id).not.toBe(next.body.order.id);
  });

  test("is required where stock or money moves", async () => {
    const { body: document } = await call("GET", `${tenant.url}/openapi.json`);
    const requiring = Object.entries<Record<string, Operation>>(document.paths).flatMap(([route, operations]) =>
      Object.values(operations).flatMap(({ parameters = [] }) =>
        parameters.some(({ name, required }) => /^idempotency-key$/i.test(name) && required) ? [route] : [],
      ),
    );
    const moving = ["/v1/store/carts/{id}/complete", path, "/v1/admin/orders/{id}/capture"];
    expect(requiring.sort()).toEqual(expect.arrayContaining(moving.sort()));
    const cart = await prepared(tenant, [{ variantId, quantity: 1 }]);
    const answers = [
      await cart.shop.call("POST", `${cart.path}/complete`, { body: {} }),
      await tenant.call("POST", path, { body: { adjustments: [{ variantId, delta: 1 }], reason: "received" } }),
      await tenant.call("POST", "/v1/admin/orders/ord_01h455vb4pex5vsknk084sn02q/capture", { body: {} }),
    ];
    expect(tally(answers)).toEqual({ "400 idempotency_key_required": 3 });
  });

  test.each(["", "  "])("that is empty (%j) is none", async (key) => {
    expect(tally([await put(tenant, key, { reference: "never" })])).toEqual({ "400 idempotency_key_required": 1 });
  });

  test.each(['""', "k".repeat(256), "two words", "tab\tbed"])("cannot be %j", async (key) => {
    expect(tally([await put(tenant, key, { reference: "never" })])).toEqual({ "400 idempotency_key_invalid": 1 });
    expect(await effects("never")).toBe(0);
  });

  test.each(["é", "ключ", "🔑"])("of other letters (%s) is as good as any", async (letters) => {
    const key = Buffer.from(`${letters}${randomUUID()}`).toString("latin1"); // bytes of UTF-8, as clients send them
    const reference = randomUUID();
    const answers = [await put(tenant, key, { reference }), await put(tenant, key, { reference })];
    expect([tally(answers), answers.map(replayed)]).toEqual([{ "200": 2 }, [false, true]]);
    expect(await effects(reference)).toBe(1);
  });

  test("has up to 255 characters, and is the same with and without quotes", async () => {
    const key = `${randomUUID()}!~`.padEnd(255, "x");
    const reference = key.slice(0, 100);
    const answers = [await put(tenant, key, { reference }), await put(tenant, `"${key}"`, { reference })];
    expect(answers.map(replayed)).toEqual([false, true]);
    expect(answers[1]?.text).toBe(answers[0]?.text);
    expect(await effects(reference)).toBe(1);
  });
});

describe("what is stored", () => {
  test("a refusal of the business is an answer like any other", async () => {
    const [key, product] = [randomUUID(), await newProduct(tenant)];
    const take = () => put(tenant, key, { variant: product.variantId, delta: -1 });
    const refused = await take();
    expect(tally([refused])).toEqual({ "409 stock.insufficient": 1 });
    await put(tenant, randomUUID(), { variant: product.variantId, delta: 5 });
    const again = await take();
    expect([again.status, again.text, replayed(again)]).toEqual([409, refused.text, true]);
    expect(await effects(key)).toBe(0);
  });

  test("a mistake of the caller is not: the key stays free", async () => {
    const key = randomUUID();
    const wrong = [
      await tenant.call("POST", path, { body: { adjustments: [] }, headers: { "idempotency-key": key } }),
      await tenant.call("POST", path, { body: "{", headers: { "idempotency-key": key } }),
      await put(tenant, key, { variant: "var_01h455vb4pex5vsknk084sn02q" }),
      await put(new Caller(tenant.url, "sk_none"), key),
    ];
    expect(wrong.map(({ status }) => status)).toEqual([422, 400, 422, 401]);
    expect(await stored(key)).toBe(0);
    const right = await put(tenant, key);
    expect([right.status, replayed(right)]).toEqual([200, false]);
  });

  test("an answer that carries a secret is encrypted, and replayed in the clear", async () => {
    const headers = { "idempotency-key": randomUUID() };
    const make = () =>
      tenant.owner.call("POST", "/v1/admin/api-keys", { body: { kind: "publishable", name: "till" }, headers });
    const [first, second] = [await make(), await make()];
    expect([first.status, second.status, replayed(second)]).toEqual([201, 201, true]);
    expect(second.text).toBe(first.text);
    const { rows } = await admin.query("select * from idempotency_key where id like '% ' || $1", [
      headers["idempotency-key"],
    ]);
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(first.body.key.slice(-20));
    expect(JSON.stringify(rows)).not.toContain(first.body.id);
  });

  test("is forgotten after 72 hours", async () => {
    const [key, young] = [randomUUID(), randomUUID()];
    for (const one of [key, young]) expect((await put(tenant, one)).status).toBe(200);
    const age = (one: string, hours: number) =>
      admin.query(
        "update idempotency_key set created_at = now() - make_interval(hours => $2) where id like '% ' || $1",
        [one, hours],
      );
    await age(key, 73);
    await age(young, 71);
    expect((await call("POST", `${tenant.url}/_local/schedules/sweep`)).status).toBe(200);
    expect([await stored(key), await stored(young)]).toEqual([0, 1]);
    const [again, kept] = [await put(tenant, key), await put(tenant, young)];
    expect([again.status, replayed(again), replayed(kept)]).toEqual([200, false, true]);
    expect([await effects(key), await effects(young)]).toEqual([2, 1]);
  });
});

interface Operation {
  parameters?: { name: string; required?: boolean }[];
}
