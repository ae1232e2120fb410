import { randomUUID } from "node:crypto";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { productMeter } from "../../core/catalog/meter.js";
import { limitOf } from "../../core/entitlement/meter.js";
import { atOnce, copies, prepared, tenantUuid, violations } from "../race/race.js";
import { newProduct, newTenant, password, type Tenant, unique } from "../support/client.js";
import { administrator } from "../support/database.js";
import { tally } from "../support/outcome.js";
import { drift, persist, pretend, putOn, used } from "./plan.js";

vi.setConfig({ testTimeout: 120_000 });
const admin = administrator();
let tenant: Tenant;

beforeAll(async () => {
  tenant = await newTenant();
});

const product = () => ({ name: unique("Mug "), variants: [{ sku: unique("SKU-") }] });
const create = (to: Tenant, body: unknown = product()) => {
  const headers = { "idempotency-key": randomUUID() };
  return persist(() => to.call("POST", "/v1/admin/products", { body, headers }));
};
const newMemberOf = (to: Tenant, email = `${unique("m")}@staff.test`) => {
  const body = { email, name: "Max", role: "MEMBER", password };
  return persist(() => to.owner.call("POST", "/v1/admin/members", { body }));
};

/** Products that nobody made by the API: as many as the trial allows, but ten. */
async function fill(to: Tenant): Promise<void> {
  await admin.query(
    `insert into product (tenant_id, id, slug, name)
     select $1, uuidv7(), 'filler-' || n, 'Filler' from generate_series(1, $2::int) n`,
    [tenantUuid(to), (limitOf(productMeter, "trial") ?? 0) - 10],
  );
  await pretend(admin, to, "products", (limitOf(productMeter, "trial") ?? 0) - 10);
}

/** What the merchant heard of its limits. */
const reached = async (by: Tenant) =>
  (await by.get("/v1/admin/events?type=usage.limit_reached")).data.map(({ data }: { data: unknown }) => data);

describe("products", () => {
  test("of a hundred at once, those are made that the plan has room for", async () => {
    const full = await newTenant();
    await fill(full);
    const answers = await atOnce(100, () => create(full));
    expect(tally(answers)).toEqual({ "201": 10, "403 entitlement_required": 90 });
    const { status, body } = await create(full);
    expect(status).toBe(403);
    const limit = limitOf(productMeter, "trial");
    expect(body).toMatchObject({ entitlement: "products", plan: "trial", limit, current: limit });
    expect(await reached(full)).toEqual([{ entitlement: "products", limit }]);
    expect(await drift(admin, full)).toEqual([]);
  });

  test("what is not made is not counted, whatever kept it from being made", async () => {
    const { products } = await used(tenant);
    const first = product();
    expect((await create(tenant, first)).status).toBe(201);
    expect((await create(tenant, { ...first, slug: unique() })).body.code).toBe("variant.sku_taken");
    const key = { "idempotency-key": randomUUID() };
    for (let i = 0; i < 2; i += 1)
      await tenant.call("POST", "/v1/admin/products", { body: { ...first, slug: unique("x") }, headers: key });
    expect((await used(tenant)).products).toBe((products ?? 0) + 1);
    expect(await drift(admin, tenant)).toEqual([]);
  });

  test("archiving and deleting make room, once; coming back takes it again", async () => {
    const count = async () => (await used(tenant)).products ?? 0;
    const bare = { name: "Never counted on a shelf" };
    for (let i = 0; i < 3; i += 1) await create(tenant, bare); // so that too much can be given back
    const before = await count();
    const { id } = await tenant.post("/v1/admin/products", bare);
    const patch = (body: object) => tenant.patch(`/v1/admin/products/${id}`, body);
    expect(await count()).toBe(before + 1);
    for (const [body, wanted] of [
      [{ status: "active" }, before + 1],
      [{ status: "archived" }, before],
      [{ status: "archived" }, before],
      [{ name: "Cup" }, before],
      [{ status: "draft" }, before + 1],
      [{ status: "archived" }, before],
    ] as const) {
      await patch(body);
      expect([body, await count()]).toEqual([body, wanted]);
    }
    await tenant.delete(`/v1/admin/products/${id}`);
    expect(await count()).toBe(before);
    const { id: other } = await tenant.post("/v1/admin/products", bare);
    await tenant.delete(`/v1/admin/products/${other}`);
    expect(await count()).toBe(before);
    await tenant.post("/v1/admin/products", { ...product(), status: "archived" });
    expect(await count()).toBe(before);
    expect(await drift(admin, tenant)).toEqual([]);
  });

  test("where there is no room, nothing comes out of the archive", async () => {
    const full = await newTenant();
    const { id } = await full.post("/v1/admin/products", { ...product(), status: "archived" });
    await pretend(admin, full, "products", limitOf(productMeter, "trial") ?? 0);
    const answer = await full.call("PATCH", `/v1/admin/products/${id}`, { body: { status: "active" } });
    expect([answer.status, answer.body.code]).toEqual([403, "entitlement_required"]);
    expect((await full.get(`/v1/admin/products/${id}`)).status).toBe("archived");
  });

  test("who has more than a smaller plan allows keeps it, and adds nothing", async () => {
    const small = await newTenant();
    await pretend(admin, small, "products", 900);
    await putOn(admin, small, "starter");
    expect((await create(small)).body).toMatchObject({ code: "entitlement_required", limit: 500, current: 900 });
    await putOn(admin, small, "scale");
    expect((await create(small)).status).toBe(201);
  });
});

describe("orders by month", () => {
  let shop: Tenant;
  let variantId: string;
  afterEach(async () => expect(await violations(admin, shop)).toEqual([]));

  test("of a hundred shoppers at once, as many buy as there is room for", async () => {
    shop = await newTenant();
    ({ variantId } = await newProduct(shop, { stock: 100 }));
    await putOn(admin, shop, "starter");
    await pretend(admin, shop, "ordersPerMonth", 490);
    const first = await prepared(shop, [{ variantId, quantity: 1 }]);
    const carts = await copies(admin, shop, first, 100);
    const answers = await atOnce(100, (index) => {
      const key = randomUUID();
      return persist(() => (carts[index] ?? first).complete(key));
    });
    expect(tally(answers)).toEqual({ "200": 10, "403 checkout.closed": 90 });
    // They learn nothing of the merchant's plan.
    const refused = answers.find(({ status }) => status === 403)?.body;
    expect(Object.keys(refused)).toEqual(["type", "title", "status", "detail", "code", "requestId"]);
    expect(refused.detail).not.toMatch(/plan|limit|starter|\d/i);
    const { data } = await shop.get(`/v1/admin/inventory?variantId=${variantId}`);
    expect(data[0]).toMatchObject({ onHand: 90, available: 90 });
  });

  test("the merchant's own key is told why, and a refusal is not remembered", async () => {
    const cart = await prepared(shop, [{ variantId, quantity: 1 }]);
    const key = randomUUID();
    const own = await shop.call("POST", `${cart.path}/complete`, {
      body: {},
      headers: { "idempotency-key": key, "x-cart-token": cart.state.token ?? tokenOf(cart.shop.headers) },
    });
    const about = { code: "entitlement_required", entitlement: "ordersPerMonth", plan: "starter" };
    expect([own.status, own.body]).toEqual([403, expect.objectContaining({ ...about, limit: 500, current: 500 })]);
    expect((await cart.complete(key)).body.code).toBe("checkout.closed");
    await putOn(admin, shop, "growth");
    const [done, again] = [await cart.complete(key), await cart.complete(key)];
    expect([done.status, again.status]).toEqual([200, 200]);
    expect(again.headers.get("idempotent-replayed")).toBe("true");
    expect((await used(shop)).ordersPerMonth).toBe(501);
    expect(await reached(shop)).toEqual([{ entitlement: "ordersPerMonth", limit: 500 }]);
  });

  test("a new month begins with nothing", async () => {
    await admin.query("update usage set period = '2020-01' where tenant_id = $1 and metric = 'ordersPerMonth'", [
      tenantUuid(shop),
    ]);
    await putOn(admin, shop, "starter");
    expect((await used(shop)).ordersPerMonth).toBe(0);
    expect((await (await prepared(shop, [{ variantId, quantity: 1 }])).complete()).status).toBe(200);
    expect((await used(shop)).ordersPerMonth).toBe(1);
  });
});

const tokenOf = (headers: Record<string, string>) => headers["x-cart-token"] ?? "";

describe("members", () => {
  test("join as long as there is room, and leave room behind", async () => {
    const team = await newTenant();
    await putOn(admin, team, "starter");
    const answers = await atOnce(6, () => newMemberOf(team));
    expect(tally(answers)).toEqual({ "201": 2, "403 entitlement_required": 4 });
    const [member] = answers.filter(({ status }) => status === 201);
    const { email, id } = member?.body ?? {};
    expect((await newMemberOf(team, email)).body.code).toBe("member.email_taken");
    await team.owner.delete(`/v1/admin/members/${id}`);
    expect(await used(team)).toMatchObject({ members: 2 });
    expect((await newMemberOf(team, email)).status).toBe(201);
    expect((await newMemberOf(team)).body).toMatchObject({ entitlement: "members", limit: 3, current: 3 });
    expect(await drift(admin, team)).toEqual([]);
  });
});

describe("features", () => {
  test("belong to plans", async () => {
    const reader = await newTenant();
    const wanted = {
      "/v1/admin/reports/sales": "reports",
      "/v1/admin/ledger/accounts": "ledger",
      "/v1/admin/ledger/transactions": "ledger",
    };
    for (const path of Object.keys(wanted))
      expect([path, (await reader.call("GET", path)).status]).toEqual([path, 200]);
    await putOn(admin, reader, "starter");
    for (const [path, entitlement] of Object.entries(wanted))
      for (const caller of [reader, reader.owner]) {
        const { status, body } = await caller.call("GET", path);
        expect([path, status, body.code]).toEqual([path, 403, "entitlement_required"]);
        expect(body).toMatchObject({ entitlement, plan: "starter" });
      }
  });
});
