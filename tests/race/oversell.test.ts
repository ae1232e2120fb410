import { beforeEach, describe, expect, test, vi } from "vitest";
import { type Answer, type Cart, call, newProduct, newTenant, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { tally } from "../support/outcome.js";
import { atOnce, copies, DATABASE_WORDS, prepared, sessionsDuring, tenantUuid, violations } from "./race.js";

type Line = { variantId: string; quantity: number };

const STOCK = 10;
vi.setConfig({ testTimeout: 90_000 }); // the crowd waits for 16 environments to start
const admin = administrator();
let tenant: Tenant;

beforeEach(async () => {
  tenant = await newTenant();
});

const numberOf = async (query: string, ...values: unknown[]) => Number((await admin.query(query, values)).rows[0].n);
const unitsSold = () =>
  numberOf("select coalesce(sum(quantity), 0) as n from order_line where tenant_id = $1", tenantUuid(tenant));
const orders = () => numberOf(`select count(*) as n from "order" where tenant_id = $1`, tenantUuid(tenant));
const deadlocks = () => numberOf("select deadlocks as n from pg_stat_database where datname = current_database()");

const completeAll = (carts: readonly Cart[]) => Promise.all(carts.map((cart) => cart.complete()));

function expectSoldOrSoldOut(answers: readonly Answer[]) {
  const { "200": _, "409 stock.insufficient": __, ...others } = tally(answers);
  expect(others).toEqual({});
  for (const { status, headers, text } of answers) {
    if (status === 200) continue;
    expect(headers.get("content-type")).toBe("application/problem+json");
    expect(text).not.toMatch(DATABASE_WORDS);
  }
}

describe("200 checkouts at once for 10 units", () => {
  test.each([1, 2, 3])("sell exactly 10, round %i", async () => {
    const { variantId } = await newProduct(tenant, { stock: STOCK });
    const carts = await copies(admin, tenant, await prepared(tenant, [{ variantId, quantity: 1 }]), 200);
    const [answers, sessions] = await sessionsDuring(admin, () => completeAll(carts));
    expect(tally(answers)).toEqual({ "200": STOCK, "409 stock.insufficient": 200 - STOCK });
    expectSoldOrSoldOut(answers);
    expect(sessions).toBeGreaterThanOrEqual(8);
    expect([await orders(), await unitsSold()]).toEqual([STOCK, STOCK]);
    expect(await violations(admin, tenant)).toEqual([]);
  });

  test("sell exactly 10 where carts have equal lines and different quantities", async () => {
    const { variantId } = await newProduct(tenant, { stock: STOCK });
    const one = { variantId, quantity: 1 };
    const twice = await prepared(tenant, [one, one]);
    expect(twice.state.lines).toMatchObject([{ variantId, quantity: 2 }]);
    const carts = [
      ...(await copies(admin, tenant, twice, 100)),
      ...(await copies(admin, tenant, await prepared(tenant, [one]), 100)),
    ];
    const answers = await completeAll(carts);
    expectSoldOrSoldOut(answers);
    expect(await unitsSold()).toBe(STOCK);
    expect(tally(answers)["200"]).toBe(await orders());
    expect(await violations(admin, tenant)).toEqual([]);
  });
});

/** Lets holds run out that nobody is working on, and sweeps. */
async function expireHolds(limit: number): Promise<void> {
  await admin.query(
    `update reservation set expires_at = now() where (tenant_id, holder, variant_id, location_id) in
      (select tenant_id, holder, variant_id, location_id from reservation where tenant_id = $1
        limit $2 for update skip locked)`,
    [tenantUuid(tenant), limit],
  );
  await call("POST", `${tenant.url}/_local/schedules/sweep`);
}

test("baskets in any order, holds, expiry and corrections race, and every unit is sold once", async () => {
  const products = await atOnce(3, () => newProduct(tenant, { stock: STOCK }));
  const [a, b, c] = products.map(({ variantId }) => ({ variantId, quantity: 1 })) as [Line, Line, Line];
  const baskets = [[a], [b], [c], [c, a], [a, b], [b, c, a]];
  const kinds = await Promise.all(baskets.map(async (lines) => prepared(tenant, lines)));
  const carts = (await Promise.all(kinds.map((cart) => copies(admin, tenant, cart, 25)))).flat();
  const before = await deadlocks();

  const correct = (index: number) =>
    tenant.call("POST", "/v1/admin/inventory/adjustments", {
      body: {
        adjustments: [b, c, a].map(({ variantId }) => ({ variantId, delta: index % 2 ? 1 : -1 })),
        reason: "correction",
      },
      headers: { "idempotency-key": `correction-${index}` },
    });
  const hold = ({ shop, path, ifMatch }: Cart) => shop.call("POST", `${path}/hold`, { headers: ifMatch });
  const held = carts.filter((_, index) => index % 3 === 0);
  const [sold, corrected, holds] = await Promise.all([
    completeAll(carts),
    atOnce(10, correct),
    Promise.all(held.map(hold)),
    expireHolds(5).then(() => expireHolds(5)),
  ]);
  expectSoldOrSoldOut(sold);
  expectSoldOrSoldOut(corrected);
  expectSoldOrSoldOut(holds.filter(({ body }) => !["cart.completed", "version_stale"].includes(body?.code)));
  expect(await violations(admin, tenant)).toEqual([]);

  await expireHolds(1_000);
  const again = await completeAll(carts); // whoever had one gets the same order, the others what was held
  expectSoldOrSoldOut(again);
  for (const [index, { status, body }] of sold.entries()) if (status === 200) expect(again[index]?.body).toEqual(body);
  const { rows } = await admin.query("select distinct on_hand, reserved from stock_level where tenant_id = $1", [
    tenantUuid(tenant),
  ]);
  expect(rows).toEqual([{ on_hand: 0, reserved: 0 }]);
  const applied = corrected.map(({ status }, index) => (status === 200 ? (index % 2 ? 3 : -3) : 0));
  expect(await unitsSold()).toBe(applied.reduce((sum, units) => sum + units, 3 * STOCK));
  expect(await violations(admin, tenant)).toEqual([]);
  expect(await deadlocks()).toBe(before);
});
