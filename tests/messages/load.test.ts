import { beforeAll, expect, test } from "vitest";
import { newProduct, type Tenant } from "../support/client.js";
import { buy, deadLetters, noDeadLetters, ownSystem, settle, tenantsOf } from "./system.js";

const own = ownSystem({ schedules: false });
const SHOPPERS = 8;
const ORDERS = 5;
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

beforeAll(async () => {
  [tenant] = (await tenantsOf(own.host, 1)) as [Tenant];
  ({ variantId } = await newProduct(tenant, { stock: 100 }));
  await buy(tenant, variantId);
  await settle(own.host);
});

test("an order with three subscribers and a mail costs at most 6 invocations and 8 calls when many come at once", async () => {
  const before = spent();
  const shop = async () => {
    for (let count = 0; count < ORDERS; count++) await buy(tenant, variantId);
  };
  await Promise.all(Array.from({ length: SHOPPERS }, shop));
  await settle(own.host);
  const after = spent();
  const orders = SHOPPERS * ORDERS;
  const each = {
    invocations: (after.invocations - before.invocations) / orders,
    calls: (after.calls - before.calls) / orders,
  };
  console.log(`an order: ${each.invocations} invocations, ${each.calls} calls`);
  expect(each.invocations).toBeLessThanOrEqual(6);
  expect(each.calls).toBeLessThanOrEqual(8);
  const [done] = await own.host.admin.query(
    `select (select sum(orders)::int from sales_day) as counted,
            (select count(*)::int from job where name = 'order.confirmation-mail' and status = 'succeeded') as mails`,
  );
  expect(done).toEqual({ counted: orders + 1, mails: orders + 1 });
  expect(deadLetters(own.host)).toEqual(noDeadLetters);
});
