import { describe, expect, test } from "vitest";
import { limitsOf } from "../../core/entitlement/meter.js";
import { plans } from "../../core/entitlement/plan.js";
import "../../functions/modules/index.js"; // fills the meters
import { tenantUuid } from "../race/race.js";
import { Caller, eventually, newMember, newProduct, newTenant, password } from "../support/client.js";
import { administrator } from "../support/database.js";

const admin = administrator();
const usageOf = (of: Caller) => of.get("/v1/billing/usage");

describe("usage", () => {
  test("is each limit with what is used of it, the month, and the rate", async () => {
    const fresh = await newTenant();
    await newProduct(fresh);
    const { products, ordersPerMonth, members, requestsPerSecond: perSecond } = limitsOf(plans.trial);
    const month = (ahead: number) => {
      const now = new Date();
      return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead)).toISOString().replace(".000", "");
    };
    expect(await usageOf(fresh.owner)).toEqual({
      plan: "trial",
      period: { start: month(0), end: month(1) },
      entitlements: [
        { entitlement: "products", limit: products, current: 1 },
        { entitlement: "ordersPerMonth", limit: ordersPerMonth, current: 0 },
        { entitlement: "members", limit: members, current: 1 },
      ],
      features: ["reports", "ledger"],
      requests: { perSecond, burst: 2 * Number(perSecond) },
    });
  });

  test("is for those who may see bills", async () => {
    const tenant = await newTenant();
    expect((await tenant.call("GET", "/v1/billing/usage")).status).toBe(200);
    const answers = await Promise.all([
      (await newMember(tenant, "MEMBER")).call("GET", "/v1/billing/usage"),
      tenant.shop.call("GET", "/v1/billing/usage"),
    ]);
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(answers.map(() => [403, "forbidden"]));
  });

  test("is the trial where nothing was subscribed to, and no limit in test mode", async () => {
    const fresh = await newTenant();
    await admin.query("delete from subscription where tenant_id = $1", [tenantUuid(fresh)]);
    expect((await usageOf(fresh.owner)).plan).toBe("trial");
    const visitor = new Caller(fresh.url, undefined);
    const login = { tenant: `${fresh.slug}-test`, email: fresh.ownerEmail, password };
    const { accessToken } = await eventually(async () => {
      const { status, body } = await visitor.call("POST", "/v1/auth/login", { body: login });
      return status === 200 && body;
    });
    const twin = await usageOf(new Caller(fresh.url, accessToken));
    expect([twin.plan, twin.entitlements]).toEqual([
      "sandbox",
      [
        { entitlement: "products", limit: null, current: 0 },
        { entitlement: "ordersPerMonth", limit: null, current: 0 },
        { entitlement: "members", limit: null, current: 1 },
      ],
    ]);
  });
});
