import { beforeAll, expect, test, vi } from "vitest";
import { createSecret, hashSecret } from "../../core/kernel/token.js";
import { atOnce, tenantUuid } from "../race/race.js";
import { Caller, newTenant, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { tally } from "../support/outcome.js";
import { persist } from "./plan.js";

vi.setConfig({ testTimeout: 120_000 });
const admin = administrator();
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
  // Two at once, one more for each second that it took, and one for each environment that learns of the smaller plan.
  expect(passed).toBeGreaterThanOrEqual(2);
  expect(passed).toBeLessThanOrEqual(2 + seconds + 1 + ENVIRONMENTS);
  for (const { status, headers } of answers.filter((answer) => answer.status === 429)) {
    expect([status, headers.get("ratelimit-policy")]).toEqual([429, '"tenant";q=2;w=2']);
    expect(headers.get("ratelimit")).toMatch(/^"tenant";r=0;t=[1-3]$/); // each environment may owe a token of the plan before
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  }
  const { status, headers } = await ask(other);
  expect([status, headers.get("ratelimit-policy")]).toEqual([200, expect.not.stringContaining('"tenant"')]);
});

test("another plan holds from the next request on", async () => {
  await allow(900);
  await new Promise((resume) => setTimeout(resume, 100)); // some of it flows in
  expect(tally(await atOnce(20, () => ask(tenant)))).toEqual({ "200": 20 });
  expect(await policyOf(tenant)).toBe('"tenant";q=1800;w=2');
  await allow(20);
  expect(await policyOf(tenant)).toBe('"tenant";q=40;w=2');
});

test("the rate is the tenant's, for the keys of its shoppers as well", async () => {
  await allow(50);
  const { headers } = await tenant.shop.call("GET", "/v1/store/products?limit=1");
  expect(headers.get("ratelimit-policy")).toBe('"tenant";q=100;w=2');
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
