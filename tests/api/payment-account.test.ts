import { beforeAll, describe, expect, test, vi } from "vitest";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import { type Body, eventually, newMember, newTenant, type Tenant } from "../support/client.js";
import { ownHost } from "../support/host.js";
import { byCard, cartOf, StripeSide } from "../support/stripe.js";

vi.setConfig({ testTimeout: 60_000 });
const host = ownHost();
const path = "/v1/admin/payments/account";
let stripe: StripeSide;
beforeAll(() => {
  stripe = new StripeSide(host().stripe?.url ?? "");
});

const tenantOf = () => newTenant({}, host().url);
const connect = (tenant: Tenant) => tenant.post(path);
const status = (tenant: Tenant, wanted: string) =>
  eventually(async () => {
    const account = await tenant.get(path);
    return account.status === wanted && account;
  });
const accountsOf = async (tenant: Tenant): Promise<Body[]> =>
  (await stripe.see<Body[]>("objects?type=account")).filter((one) => one.metadata?.stoa_tenant === tenant.id);
/** As if the tenant had never been connected; what it had at Stripe is nobody's. */
async function forget(tenant: Tenant) {
  await host().admin.query("delete from payment_account where tenant_id = $1", [typeIdToUuid("ten", tenant.id)]);
  for (const { id } of await accountsOf(tenant)) await stripe.act("deauthorize", { account: id });
}
const buys = async (tenant: Tenant) => (await cartOf(tenant)).cart.complete(undefined, byCard);
const requests = async (): Promise<Body[]> => stripe.see("requests");
const told = async (tenant: Tenant) =>
  (await tenant.get("/v1/admin/events?limit=100")).data
    .map(({ type }: Body) => type)
    .filter((type: string) => type.startsWith("payment_account."))
    .reverse();
/** What the merchant clicks on Stripe's page. */
async function fill(tenant: Tenant, outcome: "half" | "complete") {
  const urls = { returnUrl: "https://shop.example/back", refreshUrl: "https://shop.example/again" };
  const link = await tenant.post(`${path}/onboarding`, urls);
  expect(Date.parse(link.expiresAt)).toBeGreaterThan(Date.now());
  expect((await fetch(link.url)).status).toBe(200);
  const form = new URLSearchParams({ outcome });
  const left = await fetch(link.url, { method: "POST", body: form, redirect: "manual" });
  expect(left.headers.get("location")).toBe(urls.returnUrl);
}

describe("connecting an account", () => {
  let tenant: Tenant;
  beforeAll(async () => {
    tenant = await tenantOf();
  });

  test("the merchant is paid when Stripe knows enough, and not before", async () => {
    expect((await tenant.call("GET", path)).body.code).toBe("payment_account.not_found");
    expect((await buys(tenant)).body.code).toBe("payment.provider_unavailable");
    const made = await connect(tenant);
    expect(made).toMatchObject({ status: "onboarding", chargesEnabled: false, livemode: false, capture: "automatic" });
    const [account] = await accountsOf(tenant);
    expect(account).toMatchObject({ id: made.account, country: "DE" });
    expect(account.controller).toMatchObject({
      fees: { payer: "account" },
      losses: { payments: "stripe" },
      requirement_collection: "stripe",
      stripe_dashboard: { type: "full" },
    });
    await fill(tenant, "half");
    const half = await eventually(async () => {
      const now = await tenant.get(path);
      return now.requirements.length < made.requirements.length && now;
    });
    expect(half).toMatchObject({ status: "onboarding", chargesEnabled: false });
    expect((await buys(tenant)).body.code).toBe("payment.provider_unavailable");
    await fill(tenant, "complete");
    expect(await status(tenant, "active")).toMatchObject({
      chargesEnabled: true,
      payoutsEnabled: true,
      requirements: [],
    });
    expect((await buys(tenant)).status).toBe(200);
    expect(await told(tenant)).toEqual([
      "payment_account.updated",
      "payment_account.updated",
      "payment_account.updated",
    ]);
  });

  test("several times at once, and again, makes one", async () => {
    await forget(tenant);
    const made = await Promise.all(Array.from({ length: 5 }, () => connect(tenant)));
    expect(new Set(made.map(({ account }) => account)).size).toBe(1);
    expect((await connect(tenant)).account).toBe(made[0]?.account);
    expect(await accountsOf(tenant)).toHaveLength(1);
  });

  test.each(["cut_after", "error_after", "hang_after"])("makes one when Stripe's answer is %s", async (kind) => {
    await forget(tenant);
    await stripe.chaos({ faults: [{ kind, method: "POST", path: "/v1/accounts", next: 1 }] });
    const first = await tenant.call("POST", path);
    expect([200, 503]).toContain(first.status);
    const { account } = await connect(tenant);
    expect((await accountsOf(tenant)).map(({ id }) => id)).toEqual([account]);
  });

  test("is undecided when Stripe's answer says nothing, and can be repeated", async () => {
    await forget(tenant);
    await stripe.chaos({ faults: [{ kind: "error_before", method: "POST", path: "/v1/accounts", next: 1 }] });
    const first = await tenant.call("POST", path);
    expect(first).toMatchObject({ status: 503, body: { code: "payment.provider_unreachable" } });
    expect(first.headers.get("retry-after")).toBe("2");
    expect(await accountsOf(tenant)).toEqual([]);
  });

  test("that another tenant has is refused by one index, whoever names it", async () => {
    const [mine, theirs] = [tenant, await tenantOf()];
    await forget(mine);
    const { account } = await connect(mine);
    const steal = `insert into payment_account (tenant_id, id, provider, account, livemode)
      select $1, id, provider, $3, livemode from payment_account where account = $2`;
    const uuid = typeIdToUuid("ten", theirs.id);
    await expect(host().admin.query(steal, [uuid, account, account])).rejects.toThrow("payment_account_account");
    // With the id of another's row, which is its key at Stripe, Stripe names the other's account.
    await host().admin.query(steal, [uuid, account, null]);
    expect((await theirs.call("POST", path)).body).toMatchObject({ status: 409, code: "payment_account.taken" });
    expect((await theirs.get(path)).account).toBeNull();
    expect((await mine.get(path)).account).toBe(account);
  });
});

describe("an account that is connected", () => {
  let tenant: Tenant;
  let account: string;
  beforeAll(async () => {
    tenant = await tenantOf();
    ({ account } = await connect(tenant));
    await stripe.act("complete_onboarding", { account });
    await status(tenant, "active");
  });

  test("takes nothing while Stripe restricts it, and says what it wants", async () => {
    await stripe.act("restrict_account", { account });
    expect((await status(tenant, "restricted")).requirements).toEqual(["representative.verification.document"]);
    expect((await buys(tenant)).body.code).toBe("payment.provider_unavailable");
    await stripe.act("complete_onboarding", { account });
    await status(tenant, "active");
  });

  test("is what Stripe says last, however its events come", async () => {
    await stripe.chaos({ webhooks: { hold: true } });
    for (let turn = 0; turn < 3; turn += 1) {
      await stripe.act("restrict_account", { account });
      await stripe.act("complete_onboarding", { account });
    }
    await stripe.act("release", { order: "shuffled", times: 2 });
    await stripe.act("settle");
    await stripe.chaos({ reset: true });
    await host().idle({ timeoutMs: 30_000 });
    expect(await tenant.get(path)).toMatchObject({ status: "active", chargesEnabled: true });
  });

  test("captures when the merchant says, by version", async () => {
    const { version } = await tenant.get(path);
    const stale = { "if-match": `"${version + 7}"` };
    const body = { capture: "manual" };
    expect((await tenant.call("PATCH", path, { body, headers: stale })).body.code).toBe("version_stale");
    expect((await tenant.patch(path, body, { "if-match": `"${version}"` })).capture).toBe("manual");
    expect((await tenant.patch(path, { capture: "automatic" })).capture).toBe("automatic");
    const member = await newMember(tenant, "MEMBER");
    expect((await member.call("PATCH", path, { body })).status).toBe(403);
    expect((await member.call("GET", path)).status).toBe(200);
  });

  test("that Stripe does not know opens no page, and says why", async () => {
    const uuid = typeIdToUuid("ten", tenant.id);
    const name = "update payment_account set account = $2 where tenant_id = $1 and account = $3";
    await host().admin.query(name, [uuid, "acct_unknown", account]);
    const urls = { returnUrl: "https://shop.example/back", refreshUrl: "https://shop.example/again" };
    const { body } = await tenant.call("POST", `${path}/onboarding`, { body: urls });
    expect(body).toMatchObject({ status: 409, code: "payment_account.refused", reason: "account_invalid" });
    // Nothing more is charged on it, and a person is told; the account that Stripe knows is found again.
    expect(await tenant.get(path)).toMatchObject({ status: "deauthorized", chargesEnabled: false });
    const lost = async () => (await tenant.get("/v1/admin/incidents?kind=payment_account.lost")).data;
    expect(await lost()).toMatchObject([{ status: "open", data: { account: "acct_unknown" } }]);
    await host().admin.query(name, [uuid, account, "acct_unknown"]);
    expect(await connect(tenant)).toMatchObject({ account, status: "active" });
    expect(await lost()).toMatchObject([{ status: "resolved" }]);
    const wrong = await tenant.call("POST", `${path}/onboarding`, { body: { ...urls, returnUrl: "shop" } });
    expect(wrong.body.errors.map(({ pointer }: Body) => pointer)).toContain("/returnUrl");
  });

  test("takes nothing when it is disconnected, and is found again", async () => {
    await tenant.delete(path);
    expect(await tenant.get(path)).toMatchObject({ status: "deauthorized", chargesEnabled: false });
    expect((await buys(tenant)).body.code).toBe("payment.provider_unavailable");
    expect((await tenant.call("DELETE", path)).status).toBe(404);
    expect(await connect(tenant)).toMatchObject({ account, status: "active" });
    expect((await buys(tenant)).status).toBe(200);
  });

  test("that the merchant takes away is charged no more, and not asked about either", async () => {
    await stripe.act("deauthorize", { account });
    await status(tenant, "deauthorized");
    await stripe.act("forget_requests");
    expect((await buys(tenant)).body.code).toBe("payment.provider_unavailable");
    expect((await requests()).filter((one) => one.account === account)).toEqual([]);
    const again = await connect(tenant);
    expect(again.account).not.toBe(account);
    expect(again.status).toBe("onboarding");
    expect((await told(tenant)).slice(-2)).toEqual(["payment_account.deauthorized", "payment_account.updated"]);
  });
});

test("every call names the account of the tenant for whom it is made", async () => {
  const tenants = [await tenantOf(), await tenantOf()];
  const accounts = new Map<string, string>();
  for (const tenant of tenants) {
    const { account } = await connect(tenant);
    await stripe.act("complete_onboarding", { account });
    await status(tenant, "active");
    accounts.set(typeIdToUuid("ten", tenant.id), account);
  }
  await stripe.act("forget_requests");
  await Promise.all(tenants.flatMap((tenant) => [buys(tenant), buys(tenant)]));
  const paying = (await requests()).filter((one) => one.method === "POST" && one.path === "/v1/payment_intents");
  expect(paying.length).toBeGreaterThanOrEqual(4);
  const owners = await host().admin.query(
    `select id, tenant_id::text as tenant from payment where provider = 'stripe'`,
  );
  const ownerOf = new Map(owners.map((row: Body) => [row.id, row.tenant]));
  for (const { account, params } of paying) {
    const owner = ownerOf.get(typeIdToUuid("pay", params.metadata.stoa_payment));
    expect(accounts.get(String(owner))).toBe(account);
  }
});
