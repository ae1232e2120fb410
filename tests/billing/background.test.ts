import { expect, test } from "vitest";
import { prepared, tenantUuid } from "../race/race.js";
import { newProduct, newTenant } from "../support/client.js";
import { ownHost } from "../support/host.js";

const host = ownHost({ consumers: false, schedules: false });

test("what was begun before a tenant was closed is finished: events, jobs and sweeps are not its staff", async () => {
  const { admin, url } = host();
  const tenant = await newTenant({}, url);
  const { variantId } = await newProduct(tenant, { stock: 3 });
  expect((await (await prepared(tenant, [{ variantId, quantity: 1 }])).complete()).status).toBe(200);
  const abandoned = await prepared(tenant, [{ variantId, quantity: 1 }]);
  await abandoned.shop.post(`${abandoned.path}/hold`, undefined, abandoned.ifMatch);
  const mine = [tenantUuid(tenant)];
  await admin.query("update reservation set expires_at = now() where tenant_id = $1", mine);
  await admin.query("update tenant set access = 'blocked', status = 'suspended' where tenant_id = $1", mine);

  host().resume();
  await host().idle();
  await host().runSchedule("sweep");
  const [left] = await admin.query(
    `select (select count(*)::int from event where tenant_id = $1 and published_at is null) as events,
            (select count(*)::int from job where tenant_id = $1 and status <> 'succeeded') as jobs,
            (select count(*)::int from reservation where tenant_id = $1) as held,
            (select count(*)::int from sale_fact where tenant_id = $1) as sales`,
    mine,
  );
  expect(left).toEqual({ events: 0, jobs: 0, held: 0, sales: 1 });
});
