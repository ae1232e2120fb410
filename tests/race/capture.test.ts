import { beforeAll, describe, expect, test, vi } from "vitest";
import { type Body, newProduct, newTenant, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { tally } from "../support/outcome.js";
import { atOnce, DATABASE_WORDS, prepared, tenantUuid } from "./race.js";

vi.setConfig({ testTimeout: 90_000 }); // the crowd waits for 16 environments to start
const admin = administrator();
let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

async function placed(): Promise<Body> {
  const { variantId } = await newProduct(tenant, { stock: 1, amount: 2_000 });
  const { status, body } = await (await prepared(tenant, [{ variantId, quantity: 1 }])).complete();
  expect(status).toBe(200);
  return body.order;
}

const capture = (orderId: string, body: object, key: string, headers = {}) =>
  tenant.call("POST", `/v1/admin/orders/${orderId}/capture`, { body, headers: { "idempotency-key": key, ...headers } });

/** Of each order: amount, sum kept, sum of what the provider said, and how often the shop heard that it is paid. */
async function sums(number: number) {
  const { rows } = await admin.query(
    `select p.amount::int, p.captured::int, (select coalesce(sum(e.amount), 0)::int from payment_event e
        where e.tenant_id = $1 and e.payment_id = p.id and e.type = 'captured') as said,
      (select count(*)::int from event e where e.tenant_id = $1 and e.type = 'order.paid'
        and (e.data ->> 'number')::int = o.number) as paid
     from "order" o join payment p on p.tenant_id = $1 and p.order_id = o.id where o.tenant_id = $1 and o.number = $2`,
    [tenantUuid(tenant), number],
  );
  return rows;
}

describe("20 captures at once", () => {
  test("of a tenth each take the amount and not a cent more", async () => {
    const { id, number, totals } = await placed();
    const { amount } = totals.total;
    const answers = await atOnce(20, (index) => capture(id, { amount: amount / 10 }, `${id}-${index}`));
    expect(tally(answers)).toEqual({ "200": 10, "409 payment.capture_exceeds": 10 });
    for (const { text } of answers) expect(text).not.toMatch(DATABASE_WORDS);
    expect(await sums(number)).toEqual([{ amount, captured: amount, said: amount, paid: 1 }]);
    expect((await tenant.get(`/v1/admin/orders/${id}`)).paymentStatus).toBe("captured");
  });

  test("of shares that do not divide leave what is left, and that can be taken", async () => {
    const { id, number, totals } = await placed();
    const { amount } = totals.total;
    const share = Math.floor(amount / 3) - 1;
    const answers = await atOnce(20, (index) => capture(id, { amount: share }, `${id}-${index}`));
    expect(tally(answers)).toEqual({ "200": 3, "409 payment.capture_exceeds": 17 });
    const left = amount - 3 * share;
    expect(answers.find(({ status }) => status === 409)?.body.left).toBeLessThan(share);
    expect(await sums(number)).toEqual([{ amount, captured: 3 * share, said: 3 * share, paid: 0 }]);
    const rest = await atOnce(5, (index) => capture(id, {}, `${id}-rest-${index}`));
    expect(tally(rest)).toEqual({ "200": 1, "409 payment.capture_exceeds": 4 });
    expect(left).toBeGreaterThan(0);
    expect(await sums(number)).toEqual([{ amount, captured: amount, said: amount, paid: 1 }]);
  });

  test("that saw the same version of the order: one is made", async () => {
    const { id, number, totals, version } = await placed();
    const answers = await atOnce(20, (index) =>
      capture(id, { amount: 1 }, `${id}-${index}`, { "if-match": `"${version}"` }),
    );
    expect(tally(answers)).toEqual({ "200": 1, "412 version_stale": 19 });
    expect(await sums(number)).toEqual([{ amount: totals.total.amount, captured: 1, said: 1, paid: 0 }]);
  });
});
