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

const move = (what: string, orderId: string, body: object, key: string, headers = {}) =>
  tenant.call("POST", `/v1/admin/orders/${orderId}/${what}`, { body, headers: { "idempotency-key": key, ...headers } });

/** An order of 100.00, all of it captured. */
async function captured(): Promise<Body> {
  const { variantId } = await newProduct(tenant, { stock: 1, amount: 9_500 });
  const { body } = await (await prepared(tenant, [{ variantId, quantity: 1 }])).complete();
  expect(body.order.totals.total.amount).toBe(10_000);
  expect((await move("capture", body.order.id, {}, `capture ${body.order.id}`.replaceAll(" ", "-"))).status).toBe(200);
  return body.order;
}

async function sums(orderId: string) {
  const { payments, paymentStatus } = await tenant.get(`/v1/admin/orders/${orderId}`);
  const [{ events, refunded, operations }] = payments;
  const told = events.filter(({ type }: Body) => type === "refunded");
  const said = told.reduce((sum: number, { amount }: Body) => sum + amount.amount, 0);
  return { refunded: refunded.amount, said, operations: operations.length, paymentStatus };
}

/** Of a tenant: what every account of its ledger holds must add up to nothing. */
async function trialBalance() {
  const { rows } = await admin.query(
    "select coalesce(sum(amount), 0)::int as sum, count(*)::int as entries from ledger_entry where tenant_id = $1",
    [tenantUuid(tenant)],
  );
  return rows[0];
}

describe("20 refunds at once of a captured 100.00", () => {
  test("of 10.00 each: exactly 10", async () => {
    const { id } = await captured();
    const answers = await atOnce(20, (index) => move("refunds", id, { amount: 1_000 }, `${id}-${index}`));
    expect(tally(answers)).toEqual({ "200": 10, "409 payment.refund_exceeds": 10 });
    for (const { text } of answers) expect(text).not.toMatch(DATABASE_WORDS);
    expect(await sums(id)).toEqual({ refunded: 10_000, said: 10_000, operations: 11, paymentStatus: "refunded" });
    expect((await trialBalance()).sum).toBe(0);
  });

  test("of shares that do not divide: what is left can be refunded once", async () => {
    const { id } = await captured();
    const answers = await atOnce(20, (index) => move("refunds", id, { amount: 3_300 }, `${id}-${index}`));
    expect(tally(answers)).toEqual({ "200": 3, "409 payment.refund_exceeds": 17 });
    const rest = await atOnce(5, (index) => move("refunds", id, { reason: "the rest" }, `${id}-rest-${index}`));
    expect(tally(rest)).toEqual({ "200": 1, "409 payment.refund_exceeds": 4 });
    expect(await sums(id)).toMatchObject({ refunded: 10_000, said: 10_000, paymentStatus: "refunded" });
  });

  test("with one key: one, and equal bytes", async () => {
    const { id } = await captured();
    const answers = await atOnce(20, () => move("refunds", id, { amount: 1_000 }, `${id}-one`));
    const good = answers.filter(({ status }) => status === 200);
    expect(new Set(good.map(({ text }) => text)).size).toBe(1);
    for (const { status, body } of answers) if (status !== 200) expect(body.code).toBe("idempotency_key_in_flight");
    expect(await sums(id)).toMatchObject({ refunded: 1_000, said: 1_000, paymentStatus: "partially_refunded" });
  });

  test("beside captures: never more refunded than captured", async () => {
    const { variantId } = await newProduct(tenant, { stock: 1, amount: 9_500 });
    const { body } = await (await prepared(tenant, [{ variantId, quantity: 1 }])).complete();
    const { id } = body.order;
    await atOnce(40, (index) => move(index % 2 ? "refunds" : "capture", id, { amount: 1_000 }, `${id}-${index}`));
    const [payment] = (await tenant.get(`/v1/admin/orders/${id}`)).payments;
    expect(payment.captured.amount).toBe(10_000);
    expect(payment.refunded.amount).toBeLessThanOrEqual(payment.captured.amount);
  });
});
