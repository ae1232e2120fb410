import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import pg from "pg";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import { atOnce, copies, prepared, tenantUuid } from "../race/race.js";
import { type Answer, eventually, newProduct, newTenant, password, type Tenant, unique } from "../support/client.js";
import { ownHost } from "../support/host.js";
import { tally } from "../support/outcome.js";
import { Till } from "../support/till.js";
import { drift, persist, pretend, putOn, used } from "./plan.js";

vi.setConfig({ testTimeout: 120_000 });
const host = ownHost({ schedules: false });
let tenant: Tenant;

beforeAll(async () => {
  tenant = await newTenant({}, host().url);
  await putOn(host().admin, tenant, "scale");
});

/** What staff does to a product of its own, in an order of its own. */
async function handle(turn: number): Promise<void> {
  const statuses = ["archived", "active", "draft"];
  const status = statuses[(turn + 2) % 3];
  const sku = unique("SKU-");
  const post = (path: string, body: object) => {
    const headers = { "idempotency-key": randomUUID() };
    return persist(() => tenant.call("POST", path, { body, headers }));
  };
  const made = await post("/v1/admin/products", { name: unique("Mug "), status, variants: [{ sku }] });
  const { id } = made.body;
  const twice = { name: "Mug", slug: unique(), variants: [{ sku }] };
  expect((await post("/v1/admin/products", twice)).status).toBe(409);
  for (let step = 0; step < turn % 4; step += 1)
    await persist(() =>
      tenant.call("PATCH", `/v1/admin/products/${id}`, { body: { status: statuses[(turn + step) % 3] } }),
    );
  // Refused once its stock was opened, which happens beside us.
  if (turn % 2) await persist(() => tenant.call("DELETE", `/v1/admin/products/${id}`));
}

/** The sweep visits the tenant, for an answer that is to be forgotten. */
async function sweep(): Promise<void> {
  await host().admin.query(
    `insert into idempotency_key (tenant_id, id, fingerprint, status, headers, body, created_at)
     values ($1, gen_random_uuid(), '', 200, '{}', '', now() - interval '80 hours')`,
    [tenantUuid(tenant)],
  );
  await host().runSchedule("sweep");
}

/** The sweep compares the numbers, though it did so a moment ago. */
async function recount(): Promise<void> {
  await host().admin.query("update usage set counted_at = null");
  await sweep();
}

describe("the numbers are those of the rows", () => {
  test("after all that can happen, at once, while they are counted anew", async () => {
    const { variantId } = await newProduct(tenant, { stock: 12 });
    const carts = await copies(host().admin as never, tenant, await prepared(tenant, [{ variantId, quantity: 1 }]), 20);
    const answers: Answer[] = [];
    let over = false;
    const sweeping = (async () => {
      while (!over) await recount();
    })();
    const work = [
      atOnce(24, handle),
      atOnce(20, async (index) => {
        const [cart, key] = [carts[index], randomUUID()];
        if (cart) answers.push(await persist(() => cart.complete(key)));
      }),
      atOnce(4, async (index) => {
        const body = { email: `${unique("m")}@staff.test`, name: "Max", role: "MEMBER", password };
        const { body: member } = await persist(() => tenant.owner.call("POST", "/v1/admin/members", { body }));
        if (index % 2) await persist(() => tenant.owner.call("DELETE", `/v1/admin/members/${member.id}`));
      }),
    ];
    await Promise.all(work).finally(() => {
      over = true;
    });
    await sweeping;
    expect(await drift(host().admin, tenant)).toEqual([]);
    expect(tally(answers)).toEqual({ "200": 12, "409 stock.insufficient": 8 });
    expect((await used(tenant)).ordersPerMonth).toBe(12);
  });

  test("a number that went wrong is put right, once a day", async () => {
    const right = await used(tenant);
    for (const metric of ["products", "ordersPerMonth", "members"]) await pretend(host().admin, tenant, metric, 77);
    await recount();
    expect(await used(tenant)).toEqual(right);
    await pretend(host().admin, tenant, "products", 77);
    await sweep();
    expect(await used(tenant)).toEqual({ ...right, products: 77 });
    await recount();
    expect(await drift(host().admin, tenant)).toEqual([]);
  });

  test("who counts anew waits for who is counting", async () => {
    await newProduct(tenant);
    const client = new pg.Client(host().databases.postgres);
    await client.connect();
    await host().admin.query("update usage set counted_at = null");
    try {
      await client.query("begin");
      await client.query(
        "insert into product (tenant_id, id, slug, name) values ($1, uuidv7(), 'in-the-making', 'Mug')",
        [tenantUuid(tenant)],
      );
      await client.query("update usage set value = value + 1 where tenant_id = $1 and metric = 'products'", [
        tenantUuid(tenant),
      ]);
      const counting = sweep();
      await eventually(async () => {
        const waiting = "select from pg_stat_activity where usename = 'stoa_app' and wait_event_type = 'Lock'";
        return (await host().admin.query(waiting)).length > 0;
      });
      await client.query("commit");
      await counting;
    } finally {
      await client.end();
    }
    expect(await drift(host().admin, tenant)).toEqual([]);
  });

  test("an order takes its place when it is paid, and one that nobody pays takes none", async () => {
    const till = await Till.open(host());
    const [late, open] = [await till.buy(), await till.buy()];
    expect((await used(till.tenant)).ordersPerMonth).toBe(0);
    await till.query(
      "update payment set expires_at = now() where tenant_id = $1 and order_id = $2",
      typeIdToUuid("ord", late.orderId),
    );
    await host().runSchedule("sweep");
    await till.when(late.orderId, ({ status }) => status === "cancelled", 60_000);
    expect((await used(till.tenant)).ordersPerMonth).toBe(0);
    // In the month in which it is placed, and also beyond the limit: its money has come.
    await till.query(
      `update "order" set created_at = created_at - interval '40 days' where tenant_id = $1 and id = $2`,
      typeIdToUuid("ord", open.orderId),
    );
    await pretend(host().admin, till.tenant, "ordersPerMonth", 5_000);
    await till.pay(open.payment);
    await till.when(open.orderId, ({ status }) => status === "open", 60_000);
    expect((await used(till.tenant)).ordersPerMonth).toBe(5_001);
    await pretend(host().admin, till.tenant, "ordersPerMonth", 1);
    expect(await drift(host().admin, till.tenant)).toEqual([]);
  });

  test("tenants that were there before get their plan by the migration", async () => {
    const [bought, free] = await Promise.all([newTenant({}, host().url), newTenant({}, host().url)]);
    const { twinId } = await free.owner.get("/v1/admin/tenant");
    const rows = [tenantUuid(bought), tenantUuid(free), typeIdToUuid("ten", twinId)];
    await eventually(async () => (await host().admin.query("select from tenant where tenant_id = $1", [rows[2]]))[0]);
    const { admin } = host();
    await admin.query("update subscription set plan = 'growth' where tenant_id = $1", [rows[0]]);
    await admin.query("delete from subscription where tenant_id = $1", [rows[1]]);
    await admin.query("update tenant set plan = null where tenant_id = any($1)", [rows]);
    expect((await free.owner.get("/v1/billing/usage")).plan).toBe("trial"); // a row of the release before
    const file = new URL("../../drizzle/migrations/0010_tenant_plan.sql", import.meta.url);
    const [, update] = readFileSync(file, "utf8").split("--> statement-breakpoint");
    await admin.query(update as string);
    const plans = await admin.query(
      "select plan from tenant where tenant_id = any($1) order by array_position($1, tenant_id)",
      [rows],
    );
    expect(plans.map(({ plan }) => plan)).toEqual(["growth", "trial", "sandbox"]);
  });

  test("tenants that were there before are counted by the migration", async () => {
    const file = new URL("../../drizzle/migrations/0004_usage_backfill.sql", import.meta.url);
    const [, ...inserts] = readFileSync(file, "utf8").split("--> statement-breakpoint");
    await host().admin.query("delete from usage where tenant_id = $1", [tenantUuid(tenant)]);
    expect((await drift(host().admin, tenant)).length).toBe(3);
    for (const insert of inserts) await host().admin.query(insert);
    expect(await drift(host().admin, tenant)).toEqual([]);
  });
});
