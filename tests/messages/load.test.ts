import { beforeAll, expect, test } from "vitest";
import { newProduct, type Tenant } from "../support/client.js";
import { buy, deadLetters, noDeadLetters, ownSystem, settle, tenantsOf } from "./system.js";

const own = ownSystem({ schedules: false });
const SHOPPERS = 5;
const ORDERS = 4;
let tenant: Tenant;
let variantId: string;

const consumers = ["relay", "events", "jobs"] as const;

/** Invocations of the functions behind the API, and calls of SQS and EventBridge: ours, and those of the pollers. */
function spent() {
  const { pools, endpoints } = own.host;
  const served = consumers.flatMap((name) => pools[name].environments().map(({ served }) => served));
  const calls = { ...endpoints.sqs?.calls(), ...endpoints.bus?.calls() };
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
  return { invocations: sum(served), calls: sum(Object.values(calls)) };
}

/** What each of the orders cost that `run` places. */
async function costOf(orders: number, run: () => Promise<unknown>) {
  const before = spent();
  await run();
  // The relay runs of settle() would count; they stand in for a nudge that was lost on a busy machine.
  await own.host.idle({ timeoutMs: 15_000 }).catch(() => settle(own.host));
  const after = spent();
  const cost = {
    invocations: (after.invocations - before.invocations) / orders,
    calls: (after.calls - before.calls) / orders,
  };
  console.log(`an order, ${orders} at once: ${cost.invocations} invocations, ${cost.calls} calls`);
  return cost;
}

/** Each order had each of its effects once. */
async function expectEffects() {
  const [seen] = await own.host.admin.query(
    `select (select count(*)::int from "order") as orders,
            (select sum(orders)::int from sale_quarter) as counted,
            (select count(*)::int from job where name = 'order.confirmation-mail' and status = 'succeeded') as mails`,
  );
  const orders = seen?.orders;
  expect(seen).toEqual({ orders, counted: orders, mails: orders });
  expect(deadLetters(own.host)).toEqual(noDeadLetters);
}

beforeAll(async () => {
  [tenant] = (await tenantsOf(own.host, 1)) as [Tenant];
  ({ variantId } = await newProduct(tenant, { stock: 100 }));
  await buy(tenant, variantId);
  await settle(own.host);
});

test("an order alone: two runs of the relay, one of each worker, and the calls that these need", async () => {
  const cost = await costOf(1, () => buy(tenant, variantId));
  expect(cost.invocations).toBeLessThanOrEqual(4);
  expect(cost.calls).toBeLessThanOrEqual(12);
  await expectEffects();
});

test("orders that come at once share nearly all of it", async () => {
  const shop = async () => {
    for (let count = 0; count < ORDERS; count++) await buy(tenant, variantId);
  };
  const cost = await costOf(SHOPPERS * ORDERS, async () => {
    await own.host.pause(); // or a slow machine would have them come one after the other
    await Promise.all(Array.from({ length: SHOPPERS }, shop));
    own.host.resume();
  });
  expect(cost.invocations).toBeLessThanOrEqual(1);
  expect(cost.calls).toBeLessThanOrEqual(4);
  await expectEffects();
}, 90_000);
