import { beforeAll, expect, test, vi } from "vitest";
import { plans } from "../../core/entitlement/plan.js";
import { createSecret, hashSecret } from "../../core/kernel/token.js";
import { sizeOf, TOLD } from "../../core/rate/policy.js";
import { priceOf } from "../../functions/http/price.js";
import { modules } from "../../functions/modules/index.js";
import { stageSettings } from "../../stacks/stage.js";
import { atOnce, tenantUuid } from "../race/race.js";
import { Caller, newTenant, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { tally } from "../support/outcome.js";
import { persist } from "./plan.js";

vi.setConfig({ testTimeout: 120_000 });
const admin = administrator();
const endpoints = modules.flatMap(({ routes }) => routes ?? []);
const dearest = endpoints.map((endpoint) => priceOf(endpoint, new URLSearchParams("limit=100&expand=variants")).cost);
let tenant: Tenant;
let other: Tenant;

beforeAll(async () => {
  [tenant, other] = await Promise.all([newTenant(), newTenant()]);
});

const allow = (rate: number) =>
  admin.query("update tenant set request_rate = $2 where tenant_id = $1", [tenantUuid(tenant), rate]);
const ask = (who: Tenant) => persist(() => who.call("GET", "/v1/admin/products?limit=1"));
const policyOf = async (who: Tenant) => (await ask(who)).headers.get("ratelimit-policy");

/** Execution environments of the API at most. */
const ENVIRONMENTS = 16;

test("a tenant may ask for what its plan says, and is told so", async () => {
  await allow(1);
  const since = Date.now();
  const answers = await atOnce(100, () => ask(tenant));
  const seconds = (Date.now() - since) / 1000;
  const { "200": passed = 0, "429 rate_limited": refused = 0, ...others } = tally(answers);
  expect(others).toEqual({});
  expect(refused).toBeGreaterThan(0);
  // One at once, less than one more for each second that it took, and one for each environment that learns of the plan.
  expect(passed).toBeGreaterThanOrEqual(1);
  expect(passed).toBeLessThanOrEqual(2 + seconds + 1 + ENVIRONMENTS);
  for (const { status, headers } of answers.filter((answer) => answer.status === 429)) {
    expect([status, headers.get("ratelimit-policy")]).toEqual([429, '"principal";q=1;w=2']);
    expect(headers.get("ratelimit")).toMatch(/^"principal";r=0;t=[1-5]$/); // each environment may owe a token of the plan before
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  }
  const { status, headers } = await ask(other);
  expect([status, headers.get("ratelimit-policy")]).toEqual([200, expect.not.stringContaining('"tenant"')]);
});

test("another plan holds from the next request on", async () => {
  await allow(900);
  await new Promise((resume) => setTimeout(resume, 100)); // some of it flows in
  expect(tally(await atOnce(20, () => ask(tenant)))).toEqual({ "200": 20 });
  expect(await policyOf(tenant)).toBe('"principal";q=1125;w=2');
  await allow(20);
  expect(await policyOf(tenant)).toBe('"principal";q=25;w=2');
});

test("shoppers are told of their address alone, and no more than every plan allows", async () => {
  await allow(50);
  const { headers } = await tenant.shop.call("GET", "/v1/store/products?limit=1");
  expect(headers.get("ratelimit-policy")).toBe('"address";q=50;w=2');
  await allow(2_000);
  for (const asked of [1, 2]) {
    const { headers } = await persist(() => tenant.shop.call("GET", `/v1/store/products?limit=${asked}`));
    expect(headers.get("ratelimit-policy")).toBe('"address";q=100;w=2');
    expect(headers.get("ratelimit")).toMatch(/^"address";r=(100|\d\d?);t=[12]$/);
  }
});

test("each limit lies inside the one around it, for every plan and on every stage that sells", () => {
  const { rate, burst } = stageSettings("production").requests;
  for (const { requestsPerSecond, code } of Object.values(plans)) {
    const of = (name: Parameters<typeof sizeOf>[0]) => sizeOf(name, requestsPerSecond);
    for (const [inner, outer] of [
      [of("address"), of("shop")],
      [of("principal"), of("staff")],
      [of("shop"), of("tenant")],
      [of("staff"), of("tenant")],
      [of("tenant"), { capacity: burst, perSecond: rate }],
    ] as const) {
      expect([code, inner.perSecond < outer.perSecond, inner.capacity < outer.capacity]).toEqual([code, true, true]);
    }
    // The dearest operation fits into the smallest bucket.
    expect(of("address").capacity).toBeGreaterThanOrEqual(Math.max(...dearest));
  }
  expect(TOLD).toBe(
    Math.min(...Object.values(plans).map((plan) => sizeOf("address", plan.requestsPerSecond).capacity)),
  );
});

test("what an operation costs follows from what it does", () => {
  const price = (name: string, query = "") => {
    const endpoint = endpoints.find(({ method, path }) => `${method} ${path}` === name);
    if (!endpoint) throw new Error(`There is no ${name}.`);
    return priceOf(endpoint, new URLSearchParams(query));
  };
  const costs = {
    "get /v1/admin/orders/{id}": 1,
    "post /v1/store/carts": 2,
    "patch /v1/store/carts/{id}": 2,
    "post /v1/store/carts/{id}/hold": 20,
    "post /v1/store/carts/{id}/complete": 20,
    "post /v1/store/orders/{id}/payments": 20,
    "post /v1/auth/login": 10,
    "post /v1/admin/members": 10,
  };
  for (const [name, cost] of Object.entries(costs)) expect([name, price(name).cost]).toEqual([name, cost]);
  expect(
    ["", "limit=25", "limit=100", "limit=100&expand=variants", "limit=x"].map(
      (query) => price("get /v1/admin/products", query).cost,
    ),
  ).toEqual([1, 1, 4, 16, 4]);
  expect(price("get /v1/store/orders/{id}", "wait=2").cost).toBe(5);
  for (const { method, path, spec } of endpoints) {
    const { class: of } = priceOf({ method, spec }, new URLSearchParams());
    const wanted = spec.endsAccess || spec.findsAccess ? "security" : path.startsWith("/v1/store") ? "shop" : "staff";
    expect([method, path, of]).toEqual([method, path, wanted]);
  }
});

test("a flood of the shop leaves the staff its part, and what takes rights away its own", async () => {
  const flooded = await newTenant();
  await admin.query("update tenant set request_rate = 20 where tenant_id = $1", [tenantUuid(flooded)]);
  const path = "/v1/store/products?limit=1";
  for (const caller of [flooded.shop, flooded]) {
    const answers = await atOnce(120, () => persist(() => caller.call("GET", path)));
    expect(tally(answers)["429 rate_limited"]).toBeGreaterThan(10);
  }
  expect((await flooded.owner.call("GET", "/v1/admin/orders")).status).toBe(200);
  const keys = await flooded.owner.get("/v1/admin/api-keys");
  const flood = atOnce(40, () => flooded.owner.call("GET", "/v1/admin/orders"));
  expect(tally(await flood)["429 rate_limited"]).toBeGreaterThan(0);
  const { id } = keys.data.find(({ kind }: { kind: string }) => kind === "publishable");
  expect((await flooded.owner.call("DELETE", `/v1/admin/api-keys/${id}`)).status).toBe(204);
});

test("a limit is told to callers who exist, and admits no revoked key", async () => {
  const made = await other.owner.post("/v1/admin/api-keys", {
    kind: "secret",
    name: "robot",
    scopes: ["catalog:read"],
  });
  const robot = new Caller(other.url, made.key);
  const stranger = new Caller(other.url, createSecret("sk_live", other.id));
  const path = "/v1/admin/products?limit=1";
  await admin.query("update tenant set request_rate = 1 where tenant_id = $1", [tenantUuid(other)]);
  expect(tally(await atOnce(30, () => persist(() => robot.call("GET", path))))["429 rate_limited"]).toBeGreaterThan(0);
  expect(await stranger.outcome("GET", path)).toBe("401 credential_invalid");
  await admin.query("update api_key set revoked_at = now() where hash = $1", [hashSecret(made.key)]);
  const after = tally(await atOnce(30, () => persist(() => robot.call("GET", path))));
  expect(after).not.toHaveProperty("200");
  await new Promise((resume) => setTimeout(resume, 100)); // no environment remembers the refusal for so long
  expect(await robot.outcome("GET", path)).toBe("401 credential_invalid");
});
