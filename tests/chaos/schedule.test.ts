import { randomUUID } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { ownSystem, settle, tenantsOf } from "../messages/system.js";
import { Cart, call, newProduct, type Tenant } from "../support/client.js";

const own = ownSystem();
let mine: Tenant;
let theirs: Tenant;

beforeAll(async () => {
  [mine, theirs] = (await tenantsOf(own.host, 2)) as [Tenant, Tenant];
  await settle(own.host);
});

/** Schedules run by the clock that anybody on this machine can advance; expiry is by the clock of the database. */
async function minutes(count: number) {
  const answer = await call("POST", `${own.host.url}/_local/clock`, { body: { advance: count * 60 } });
  expect(answer.status).toBe(200);
  await own.host.scheduler.idle();
}
const runs = () =>
  own.host.logs().filter(({ function: name, text }) => name === "schedule" && text.includes('"swept"'));
const expire = (table: string) =>
  own.host.admin.query(`update ${table} set expires_at = now() - interval '1 second' where expires_at > now()`);
const level = async (tenant: Tenant, variantId: string) =>
  (await tenant.get(`/v1/admin/inventory?variantId=${variantId}`)).data[0];

async function held(tenant: Tenant, quantity: number) {
  const { variantId } = await newProduct(tenant, { stock: 5 });
  const cart = await Cart.open(tenant.shop, { lines: [{ variantId, quantity }] });
  await cart.shop.post(`${cart.path}/hold`, undefined, cart.ifMatch);
  return { variantId, cart };
}

test("the sweep runs each minute of the local clock, once for an advance of many", async () => {
  const before = runs().length;
  await minutes(1);
  const first = runs().length - before;
  expect(first).toBeGreaterThanOrEqual(1); // the clock of the room may strike as well
  await minutes(10);
  expect(runs().length - before - first).toBeLessThanOrEqual(3);
  expect(own.host.scheduler.list().map(({ error }) => error)).toEqual([undefined, undefined]);
});

test("stock that was held for too long is free again, in every tenant", async () => {
  const shops = [
    { tenant: mine, ...(await held(mine, 3)) },
    { tenant: theirs, ...(await held(theirs, 5)) },
  ];
  await minutes(60); // an hour of the queues' clock is nothing to the database's
  expect(await level(mine, shops[0]?.variantId ?? "")).toMatchObject({ reserved: 3, available: 2 });
  await expire("reservation");
  await minutes(1);
  for (const { tenant, variantId } of shops) {
    expect(await level(tenant, variantId)).toMatchObject({ onHand: 5, reserved: 0, available: 5 });
  }
  expect(await own.host.admin.query("select from reservation")).toEqual([]);
});

test("a hold that is over gives way before the sweep has seen it", async () => {
  const { variantId } = await held(mine, 5);
  await expire("reservation");
  const second = await Cart.open(mine.shop, { lines: [{ variantId, quantity: 5 }] });
  await second.prepare();
  expect((await second.complete()).status).toBe(200);
  expect(await level(mine, variantId)).toMatchObject({ onHand: 0, reserved: 0 });
});

test("a cart whose time is over is closed at once, and forgotten by the sweep; an order stays", async () => {
  const { variantId, cart } = await held(mine, 1);
  const bought = await Cart.open(mine.shop, { lines: [{ variantId, quantity: 1 }] });
  await bought.prepare();
  const { order } = (await bought.complete()).body;
  await expire("cart");
  expect((await cart.shop.call("GET", cart.path)).status).toBe(404);
  await expire("reservation");
  await minutes(1);
  expect(await own.host.admin.query("select from cart where status = 'open'")).toEqual([]);
  expect((await bought.shop.get(`/v1/store/orders/${order.id}`)).id).toBe(order.id);
  expect(await level(mine, variantId)).toMatchObject({ onHand: 4, reserved: 0 });
});

test("an answer is kept for 72 hours", async () => {
  const key = randomUUID();
  const adjust = async (variantId: string) => {
    const body = { adjustments: [{ variantId, delta: 1 }], reason: "received" };
    return mine.call("POST", "/v1/admin/inventory/adjustments", { body, headers: { "idempotency-key": key } });
  };
  const { variantId } = await newProduct(mine);
  await adjust(variantId);
  const age = (hours: number) =>
    own.host.admin.query("update idempotency_key set created_at = now() - make_interval(hours => $1)", [hours]);
  await age(71);
  await minutes(1);
  expect((await adjust(variantId)).headers.get("idempotent-replayed")).toBe("true");
  await age(73);
  await minutes(1);
  expect(await own.host.admin.query("select from idempotency_key")).toEqual([]);
  expect((await adjust(variantId)).headers.get("idempotent-replayed")).toBeNull();
  expect(await level(mine, variantId)).toMatchObject({ onHand: 2 });
});

test("a session that ended a month ago is forgotten, and then nobody is due", async () => {
  const { admin } = own.host;
  const due = async () => (await admin.query("select distinct id from platform.due_tenants()")).length;
  const over = (days: number) =>
    Promise.all(
      ["refresh_token", "session"].map((table) =>
        admin.query(`update ${table} set expires_at = now() - make_interval(days => $1)`, [days]),
      ),
    );
  await admin.query("delete from idempotency_key");
  await over(1);
  expect(await due()).toBe(0);
  await over(31);
  expect(await due()).toBe(2);
  await minutes(1);
  expect(await due()).toBe(0);
  expect(await admin.query("select from session")).toEqual([]);
});
