import { beforeAll, expect, test } from "vitest";
import { atOnce, tally, tenantUuid } from "../race/race.js";
import { newTenant, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";

const admin = administrator();
let tenant: Tenant;
let other: Tenant;

beforeAll(async () => {
  [tenant, other] = await Promise.all([newTenant(), newTenant()]);
});

const allow = (rate: number) =>
  admin.query("update tenant set request_rate = $2 where tenant_id = $1", [tenantUuid(tenant), rate]);
const ask = (who: Tenant) => who.call("GET", "/v1/admin/products?limit=1");
const policyOf = async (who: Tenant) => (await ask(who)).headers.get("ratelimit-policy");

test("a tenant may ask for what its plan says, and is told so", async () => {
  await allow(3);
  const answers = await atOnce(60, () => ask(tenant));
  const refused = answers.filter(({ status }) => status === 429);
  // Six at once, and three more for each second that it took.
  expect(refused.length).toBeGreaterThan(30);
  expect(tally(answers)).toEqual({ "200": 60 - refused.length, "429 rate_limited": refused.length });
  expect(60 - refused.length).toBeGreaterThanOrEqual(6);
  for (const { headers } of refused) {
    expect(headers.get("ratelimit-policy")).toBe('"tenant";q=6;w=2');
    expect(headers.get("ratelimit")).toMatch(/^"tenant";r=0;t=[12]$/);
    expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  }
  const { status, headers } = await ask(other);
  expect([status, headers.get("ratelimit-policy")]).toEqual([200, expect.not.stringContaining('"tenant"')]);
});

test("another plan holds from the next request on", async () => {
  await allow(1_000);
  await new Promise((resume) => setTimeout(resume, 50));
  expect(tally(await atOnce(20, () => ask(tenant)))).toEqual({ "200": 20 });
  expect(await policyOf(tenant)).toBe('"tenant";q=2000;w=2');
  await allow(2);
  await ask(tenant);
  expect(await policyOf(tenant)).toBe('"tenant";q=4;w=2');
});

test("the rate of a plan is no smaller for the keys of its shoppers", async () => {
  await allow(5);
  const { headers } = await tenant.shop.call("GET", "/v1/store/products?limit=1");
  expect(headers.get("ratelimit-policy")).toBe('"tenant";q=10;w=2');
});
