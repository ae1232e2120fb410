import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import { uuidToTypeId } from "../../drizzle/typeid.js";
import { deadLetters, letPass, noDeadLetters, ownSystem, settle, tenantsOf } from "../messages/system.js";
import { newProduct, type Tenant } from "../support/client.js";
import { size } from "../support/size.js";
import { checkout, newJournal, shippingOption, stockUp } from "./load.js";

const STOCK = 100_000;
const victims = ["api", "relay", "events", "jobs", "backend"] as const;

const own = ownSystem();
const journal = newJournal();
const kills: Record<string, number> = {};
let tenants: Tenant[];
let shelves: { tenant: Tenant; variantId: string; shippingOptionId: string }[];

/** `kill -9` of a process that is at work, or idles when none is for a while; a session of the database in between. */
async function kill(victim: (typeof victims)[number]): Promise<boolean> {
  const { admin, pools } = own.host;
  if (victim === "backend") {
    const ended = await admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where usename in ('stoa_app', 'stoa_relay')
        order by state = 'idle', random() limit 1`,
    );
    return ended.length > 0;
  }
  for (let patience = 100; patience >= 0; patience--) {
    const [chosen] = pools[victim].environments().filter(({ busy }) => busy || patience === 0);
    if (chosen) {
      await sleep(Math.random() * 30); // somewhere in its work, not at the beginning of it
      return process.kill(chosen.pid, "SIGKILL");
    }
    await sleep(2);
  }
  return false;
}

async function killAtRandom(): Promise<void> {
  for (let count = 0; count < size.kills; ) {
    await sleep(20 + Math.random() * 200);
    const victim = victims[count % victims.length] ?? "api";
    if (!(await kill(victim).catch(() => false))) continue;
    kills[victim] = (kills[victim] ?? 0) + 1;
    count += 1;
  }
}

async function loadUntil(over: Promise<void>): Promise<void> {
  let going = true;
  const work = async (client: number) => {
    for (let turn = client; going; turn++) {
      const shelf = shelves[turn % shelves.length];
      if (!shelf) throw new Error("There is nothing to buy.");
      if (client === 0) await stockUp(journal, shelf.tenant);
      else await checkout(journal, shelf.tenant, shelf.variantId, shelf.shippingOptionId);
    }
  };
  const end = async () => {
    await over;
    going = false;
  };
  await Promise.all([end(), ...[0, 1, 2, 3, 4].map(work)]);
}

const rows = (text: string) => own.host.admin.query(text);
const one = async (text: string) => Object.values((await rows(text))[0] ?? {})[0];

beforeAll(
  async () => {
    tenants = await tenantsOf(own.host, 2);
    shelves = await Promise.all(
      tenants.map(async (tenant) => {
        const { variantId } = await newProduct(tenant, { stock: STOCK });
        return { tenant, variantId, shippingOptionId: await shippingOption(tenant, variantId) };
      }),
    );
    await loadUntil(killAtRandom());
    // Visibility timeouts and leases of whoever was killed run out, with a relay and a sweep each minute.
    await letPass(own.host, 7);
    await settle(own.host);
  },
  120_000 + size.kills * 2_000,
);

test("what was acknowledged is there, once, and nothing else", async () => {
  expect(Object.values(kills).reduce((sum, count) => sum + count, 0)).toBe(size.kills);
  expect(journal.unknown).toBeGreaterThan(0); // the kills were felt
  const orders = await rows(
    `select tenant_id::text as tenant, id::text, cart_id::text as cart, total::int from "order"`,
  );
  const found = orders.map(({ tenant, id, cart, total }) => [
    uuidToTypeId("ten", String(tenant)),
    uuidToTypeId("ord", String(id)),
    uuidToTypeId("crt", String(cart)),
    total,
  ]);
  const acknowledged = journal.orders.map(({ tenant, orderId, cartId, total }) => [tenant.id, orderId, cartId, total]);
  expect(found.map(String).sort()).toEqual(acknowledged.map(String).sort());
  const numbers = await rows(`select count(*)::int as count, max(number) as last from "order" group by tenant_id`);
  for (const { count, last } of numbers) expect(last).toBe(1_000 + Number(count)); // no gap, and none twice
  const products = (await rows("select id::text from product")).map(({ id }) => uuidToTypeId("prd", String(id)));
  expect(products).toEqual(expect.arrayContaining(journal.products.map(({ productId }) => productId)));
  expect(products).toHaveLength(journal.products.length + shelves.length);
});

test("every event was published, and each subscriber did its part once", async () => {
  const orders = journal.orders.length;
  expect(await one("select count(*)::int from event where published_at is null or dead_at is not null")).toBe(0);
  expect(await one("select count(*)::int from event where type = 'order.placed'")).toBe(orders);
  const inbox = await rows(
    `select substring(id from '/(.*)$') as subscriber, count(*)::int as count from inbox group by 1 order by 1`,
  );
  expect(inbox).toEqual([
    { subscriber: "inventory.open-stock", count: journal.products.length + shelves.length },
    { subscriber: "mail.order-confirmation", count: orders },
    { subscriber: "order.ledger", count: orders },
    { subscriber: "order.sales-counter", count: orders },
  ]);
  const total = journal.orders.reduce((sum, order) => sum + order.total, 0);
  expect(
    await rows("select count(*)::int as orders, sum(amount)::int as revenue from sale_fact where kind = 'placed'"),
  ).toEqual([{ orders, revenue: total }]);
});

test("every order has one confirmation, and nobody is left waiting", async () => {
  const orders = journal.orders.length;
  const jobs = await rows(`select name, status, count(*)::int as count from job group by 1, 2 order by 1`);
  expect(jobs.filter(({ name }) => name === "order.confirmation-mail")).toEqual([
    { name: "order.confirmation-mail", status: "succeeded", count: orders },
  ]);
  expect(await one("select count(*)::int from order_timeline where type = 'confirmation_sent'")).toBe(orders);
  // A process that dies between the provider's yes and ours sends it twice, with the same id.
  const mails = own.host.mailbox.list();
  expect(new Set(mails.map(({ messageId }) => messageId)).size).toBe(orders);
  expect(mails.length - orders).toBeLessThanOrEqual(kills.jobs ?? 0);
  expect(deadLetters(own.host)).toEqual(noDeadLetters);
});

test("stock adds up: nothing sold twice, nothing held, movements tell the whole story", async () => {
  const levels = await rows(
    `select s.on_hand as "onHand", s.reserved, coalesce(sum(m.delta), 0)::int as moved from stock_level s
       left join stock_movement m using (tenant_id, variant_id, location_id) group by s.tenant_id, s.variant_id, s.location_id`,
  );
  for (const { onHand, reserved, moved } of levels) expect([reserved, moved]).toEqual([0, onHand]);
  const sold = journal.orders.reduce((sum, order) => sum + order.quantity, 0);
  expect(await one("select sum(on_hand)::int from stock_level")).toBe(shelves.length * STOCK - sold);
  expect(await one(`select sum(quantity)::int from order_line`)).toBe(sold);
  expect(await one("select count(*)::int from reservation")).toBe(0);
});
