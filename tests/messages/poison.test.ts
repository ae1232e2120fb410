import pg from "pg";
import { afterEach, beforeAll, expect, test } from "vitest";
import { newTypeId, typeIdToUuid } from "../../drizzle/typeid.js";
import { call, newProduct, type Tenant } from "../support/client.js";
import { buy, counted, deadLetters, envelope, noDeadLetters, ownSystem, settle, tenantsOf } from "./system.js";

const own = ownSystem();
let tenant: Tenant;
let other: Tenant;
let variantId: string;

const patience = { timeout: 15_000 };
const send = (body: string, queue = "events") => own.host.endpoints.sqs?.send(queue, body);
/** Placed orders that were counted. */
const orders = async (shop: Tenant): Promise<number> => {
  const text = "select count(*)::int as count from inbox where tenant_id = $1 and id like '%/order.sales-counter'";
  return Number((await own.host.admin.query(text, [typeIdToUuid("ten", shop.id)]))[0]?.count);
};

beforeAll(async () => {
  [tenant, other] = (await tenantsOf(own.host, 2)) as [Tenant, Tenant];
  ({ variantId } = await newProduct(tenant, { stock: 100 }));
  await buy(tenant, variantId);
  await settle(own.host);
});
afterEach(() => own.host.resume());

test("what nobody can read is acknowledged and counted, and delays nobody", async () => {
  const deep = `${'{"a":'.repeat(2_000)}1${"}".repeat(2_000)}`;
  const pointer = { tenantId: tenant.id, id: newTypeId("evt"), type: "order.placed" };
  const unreadable = [
    "not JSON",
    "null",
    "[]",
    '{"detail":null}',
    deep,
    envelope(JSON.parse(deep)),
    envelope({ ...pointer, id: "evt_1" }),
    envelope({ ...pointer, tenantId: 7 }),
    envelope({ ...pointer, type: "" }),
    JSON.stringify({ padding: "x".repeat(1_000_000) }),
  ];
  const [reads, sales] = [counted(own.host, "MessagesDiscarded", { reason: "unreadable" }), await orders(tenant)];
  await own.host.pause();
  for (const body of unreadable) {
    send(body);
    send(body, "jobs");
  }
  const bought = await Promise.all([buy(tenant, variantId), buy(tenant, variantId)]);
  await own.host.runSchedule("relay"); // healthy messages stand behind the others
  own.host.resume();
  await settle(own.host);
  expect(counted(own.host, "MessagesDiscarded", { reason: "unreadable" }) - reads).toBe(2 * unreadable.length);
  expect(await orders(tenant)).toBe(sales + bought.length);
  expect(deadLetters(own.host)).toEqual(noDeadLetters);
});

/** An event whose subscribers fail, because its data is not what they expect; answers how to repair it. */
async function poison(shop: Tenant) {
  const id = newTypeId("evt");
  const values = [typeIdToUuid("ten", shop.id), typeIdToUuid("evt", id)];
  await own.host.admin.query(
    `insert into event (tenant_id, id, type, data, actor, request_id)
     values ($1, $2, 'order.placed', '{"orderId": "nonsense"}', '{}', 'req_poison')`,
    values,
  );
  return (data: object) =>
    own.host.admin.query("update event set data = $3 where tenant_id = $1 and id = $2", [
      ...values,
      JSON.stringify(data),
    ]);
}

test("what fails goes alone to the dead letters after five receives, and succeeds once it is repaired", async () => {
  const sales = await orders(tenant);
  await own.host.pause();
  const [order] = await Promise.all([buy(tenant, variantId), buy(tenant, variantId)]);
  const repair = await poison(tenant);
  await own.host.runSchedule("relay");
  own.host.resume();
  await expect.poll(() => orders(tenant), patience).toBe(sales + 2);
  for (let receives = 1; receives <= 5; receives++) {
    await expect.poll(() => counted(own.host, "MessagesFailed"), patience).toBe(receives);
    await own.host.clock.advance(180_000);
  }
  await settle(own.host);
  expect(deadLetters(own.host)).toEqual({ ...noDeadLetters, "events-dead": 1 });

  await repair({ orderId: order.id, number: order.number, total: order.totals.total, placedAt: order.placedAt });
  expect((await call("POST", `${own.host.url}/_local/queues/events/redrive`)).status).toBe(200);
  await settle(own.host);
  expect(deadLetters(own.host)).toEqual(noDeadLetters);
  expect(await orders(tenant)).toBe(sales + 3);
}, 60_000);

test("one that waits for a lock gives up in time: the others of its batch are done, and it comes again", async () => {
  const { admin, clock } = own.host;
  await buy(other, (await newProduct(other, { stock: 9 })).variantId);
  await settle(own.host);
  const holder = new pg.Client(own.host.databases.postgres);
  await holder.connect();
  const mine = [typeIdToUuid("ten", tenant.id)];
  // The next quarter of an hour may begin meanwhile.
  await holder.query(
    `insert into sale_quarter (tenant_id, quarter, currency)
     select $1, extract(epoch from now() + make_interval(mins => minutes)) / 900, 'EUR' from unnest('{0, 15}'::int[]) minutes
         on conflict do nothing`,
    mine,
  );
  await holder.query("begin; set application_name = 'holder'");
  await holder.query("select from sale_quarter where tenant_id = $1 for update", mine);
  await own.host.pause();
  await buy(tenant, variantId);
  const { data } = await other.get("/v1/admin/events?type=order.placed");
  await admin.query("delete from inbox where id like $1", [`%/order.sales-counter`]);
  send(envelope({ tenantId: other.id, id: data[0].id, type: "order.placed" }));
  await own.host.runSchedule("relay");
  own.host.resume();
  await expect.poll(() => orders(other), patience).toBe(1);
  await expect.poll(() => counted(own.host, "MessagesFailed"), patience).toBe(6);
  await holder.query("rollback");
  await holder.end();
  const before = await orders(tenant);
  await clock.advance(180_000);
  await settle(own.host);
  expect(await orders(tenant)).toBe(before + 1);
  expect(deadLetters(own.host)).toEqual(noDeadLetters);
}, 60_000);
