import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Host } from "../../stacks/local/host.js";
import { projectRoot } from "../../stacks/local/lambda/bundle.js";
import { differences } from "../database/difference.js";
import { operations } from "../isolation/operation.js";
import { loyaltyAccountTable, loyaltyEntryTable } from "../loyalty/loyalty.sql.js";
import { buy, settle } from "../messages/system.js";
import {
  type Body,
  Caller,
  call,
  eventually,
  newMember,
  newProduct,
  newTenant,
  type Tenant,
  unique,
} from "../support/client.js";
import { Copy } from "./copy.js";
import {
  accounts,
  amountsOf,
  expectBalance,
  listTransactions,
  nameAccounts,
  openAccount,
  placeOrder,
  points,
  tenantAt,
} from "./shop.js";

/** A plugin with one thing of each kind is one folder and one line: it is added, used through HTTP, and removed. */

vi.setConfig({ testTimeout: 120_000, hookTimeout: 300_000 });

const PATIENCE = 100_000;
const source = join(projectRoot, "tests/loyalty");
const copy = new Copy();
let host: Host | undefined;
const running = (): Host => {
  if (!host) throw new Error("The host is not started.");
  return host;
};
const newShop = () => newTenant({}, running().url);

beforeAll(async () => {
  copy.add("loyalty", source);
  host = await copy.start();
});
afterAll(async () => {
  await host?.stop();
  copy.delete();
});

describe("a plugin that was added", () => {
  test("is in the document: its operations, scopes and providers", async () => {
    const all = await operations(running().url);
    expect(all.filter(({ path }) => path.startsWith(accounts)).map(({ name, allow }) => `${name} ${allow}`)).toEqual([
      `POST ${accounts} loyalty:write`,
      `GET ${accounts}/{id} loyalty:read`,
      `POST ${accounts}/{id}/points loyalty:write`,
    ]);
    const { body, text } = await call("GET", `${running().url}/openapi.json`);
    expect(body.components.schemas.Scope.enum).toEqual(expect.arrayContaining(["loyalty:read", "loyalty:write"]));
    expect(text).toContain('"loyaltyAccountId"');
  });

  test("has tables with forced row-level security, policies, grants, triggers and the index of due rows", async () => {
    const pool = new pg.Pool({ connectionString: running().databases.postgres, max: 1 });
    pool.on("error", () => undefined);
    expect(await differences(pool, [loyaltyAccountTable, loyaltyEntryTable])).toEqual([]);
    await pool.end();
  });

  test("opens its operations to its roles and scopes", async () => {
    const shop = await newShop();
    const path = `${accounts}/${(await openAccount(shop)).id}`;
    const key = async (...scopes: string[]) => {
      const made = await shop.owner.post("/v1/admin/api-keys", { kind: "secret", name: "k", scopes });
      return new Caller(shop.url, made.key);
    };
    const [no, may] = ["403 forbidden", "422 invalid_request"]; // a caller who may ask hears what the body lacks
    const unknown = "401 unauthenticated";
    const rows: [string, Caller, string[]][] = [
      ["no credential", new Caller(shop.url, undefined), [unknown, unknown, unknown]],
      ["shop key", shop.shop, [no, no, no]],
      ["MEMBER", await newMember(shop, "MEMBER"), ["200", no, no]],
      ["ADMIN", await newMember(shop, "ADMIN"), ["200", may, may]],
      ["key without", await key("catalog:read"), [no, no, no]],
      ["key to read", await key("loyalty:read"), ["200", no, no]],
      ["key to write", await key("loyalty:write"), [no, may, may]],
    ];
    const headers = { "idempotency-key": unique() };
    const heard = async (caller: Caller) => [
      await caller.outcome("GET", path),
      await caller.outcome("POST", accounts, { body: {} }),
      await caller.outcome("POST", `${path}/points`, { body: {}, headers }),
    ];
    for (const [who, caller, wanted] of rows) expect([who, await heard(caller)]).toEqual([who, wanted]);
  });

  test("opens its rows to their own tenant", async () => {
    const [mine, theirs] = [await newShop(), await newShop()];
    const account = await openAccount(mine);
    const path = `${accounts}/${account.id}`;
    const award = { body: points(5), headers: { "idempotency-key": unique() } };
    expect(await theirs.outcome("GET", path)).toBe("404 loyalty_account.not_found");
    expect(await theirs.outcome("POST", `${path}/points`, award)).toBe("404 loyalty_account.not_found");
    const { status, body } = await placeOrder(theirs, account.id);
    expect([status, body.code]).toEqual([409, "loyalty.points_insufficient"]);
    expect(await mine.get(path)).toEqual(account);
  });

  test("limits what a plan allows", async () => {
    const shop = await newShop();
    await openAccount(shop);
    await openAccount(shop);
    const third = { body: { email: "third@shopper.test", currency: "EUR" } };
    expect(await shop.outcome("POST", accounts, third)).toBe("403 entitlement_required");
    const { entitlements } = await shop.owner.get("/v1/billing/usage");
    expect(entitlements).toContainEqual({ entitlement: "loyaltyAccounts", limit: 2, current: 2 });
  });

  test("publishes its event, which its subscribers enter in the ledger and mail by a job", async () => {
    const shop = await newShop();
    const account = await openAccount(shop);
    await shop.post(`${accounts}/${account.id}/points`, points(700));
    await settle(running(), PATIENCE);
    const [event] = (await shop.get("/v1/admin/events?type=loyalty.points_awarded")).data;
    expect(event.data).toMatchObject({ accountId: account.id, points: 700 });
    const [awarded, ...more] = await listTransactions(shop, "kind=loyalty.awarded");
    expect([awarded.reference, amountsOf(awarded), more]).toEqual([
      event.data.entryId,
      { sales: 700, "processor:loyalty": -700 },
      [],
    ]);
    await expectBalance(shop);
    const jobs: Body[] = (await shop.get("/v1/admin/jobs")).data;
    expect(jobs.filter(({ name }) => name === "loyalty.award-mail").map(({ status }) => status)).toEqual(["succeeded"]);
    const mails = running().mailbox.list();
    expect(mails.filter(({ to }) => String(to) === account.email).map(({ text }) => text)).toEqual([
      "You have 700 new points.",
    ]);
  });

  test("takes payments: an order is placed, captured and refunded with its provider", async () => {
    const shop = await newShop();
    const account = await openAccount(shop);
    const held = async () => (await shop.get(`${accounts}/${account.id}`)).points;
    const poor = await placeOrder(shop, account.id);
    expect([poor.status, poor.body.code]).toEqual([409, "loyalty.points_insufficient"]);
    await shop.post(`${accounts}/${account.id}/points`, points(15_000));
    const placed = await placeOrder(shop, account.id);
    expect([placed.status, await held()]).toEqual([200, 5_000]);
    const path = `/v1/admin/orders/${placed.body.order.id}`;
    expect(placed.body.payment).toEqual({ status: "captured", action: null });
    const paid = await shop.get(path);
    expect(paid.payments).toMatchObject([{ provider: "loyalty", status: "captured", captured: { amount: 10_000 } }]);
    await shop.post(`${path}/refunds`, { amount: 4_000 });
    expect(await held()).toBe(9_000);
    await settle(running(), PATIENCE);
    expect((await listTransactions(shop, "account=processor:loyalty")).map(({ kind }) => kind).sort()).toEqual([
      "loyalty.awarded",
      "payment.captured",
      "payment.refunded",
    ]);
    await expectBalance(shop);
  });

  test("is swept for a tenant with a due row", async () => {
    const shop = await newShop();
    const account = await openAccount(shop);
    await shop.post(`${accounts}/${account.id}/points`, points(300, new Date().toISOString()));
    await eventually(async () => {
      await running().runSchedule("sweep");
      return (await shop.get(`${accounts}/${account.id}`)).points === 0;
    }, PATIENCE);
    await settle(running(), PATIENCE);
    const [expired] = await listTransactions(shop, "kind=loyalty.expired");
    expect(amountsOf(expired)).toEqual({ loyalty_breakage: -300, "processor:loyalty": 300 });
    expect(await nameAccounts(shop)).toMatchObject({ loyalty_breakage: ["Points that expired unspent", "credit"] });
    await expectBalance(shop);
  });
});

describe("a plugin that was removed", () => {
  let shop: Tenant;
  let account: Body;
  let orderId: string;

  beforeAll(async () => {
    const before = await newShop();
    account = await openAccount(before);
    await before.post(`${accounts}/${account.id}/points`, points(20_000));
    orderId = (await placeOrder(before, account.id)).body.order.id;
    await settle(running(), PATIENCE);
    await running().stop();
    host = undefined;
    copy.remove("loyalty");
    host = await copy.start();
    shop = tenantAt(host.url, before);
  });

  test("leaves a system that is healthy, is swept, and sells", async () => {
    expect((await call("GET", `${running().url}/ready`)).body.status).toBe("ready");
    await running().runSchedule("sweep");
    for (const tenant of [shop, await newShop()]) {
      const { variantId } = await newProduct(tenant, { stock: 1 });
      const { id } = await buy(tenant, variantId);
      await settle(running(), PATIENCE);
      expect(await listTransactions(tenant, `reference=${id}`)).toMatchObject([{ kind: "order.placed" }]);
    }
  });

  test("leaves nothing of it in the API", async () => {
    expect(await shop.outcome("GET", `${accounts}/${account.id}`)).toBe("404 route_unknown");
    const { text } = await call("GET", `${running().url}/openapi.json`);
    expect(text.toLowerCase()).not.toContain("loyalty");
    expect(JSON.stringify(await shop.get("/v1/billing/usage"))).not.toContain("loyalty");
    const unknown = await shop.outcome("GET", "/v1/admin/ledger/transactions?kind=loyalty.awarded");
    expect(unknown).toBe("422 invalid_request");
  });

  test("leaves what it wrote to be read: its order, its transactions, its key, its rows", async () => {
    const paid = await shop.get(`/v1/admin/orders/${orderId}`);
    expect(paid.payments).toMatchObject([{ provider: "loyalty", status: "captured" }]);
    const refund = { body: {}, headers: { "idempotency-key": unique() } };
    const refused = await shop.outcome("POST", `/v1/admin/orders/${orderId}/refunds`, refund);
    expect(refused).toBe("409 payment.provider_unavailable"); // nothing here can move its money
    const kinds = (await listTransactions(shop, "account=processor:loyalty")).map(({ kind }) => kind);
    expect(kinds.sort()).toEqual(["loyalty.awarded", "payment.captured"]);
    await expectBalance(shop);
    const keys: Body[] = (await shop.get("/v1/admin/api-keys")).data;
    expect(keys.map(({ kind }) => kind).sort()).toEqual(["publishable", "secret"]);
    const rows = await running().admin.query("select points::int from loyalty_account where email = $1", [
      account.email,
    ]);
    expect(rows).toEqual([{ points: 10_000 }]);
  });
});
