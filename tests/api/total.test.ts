import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { tenantUuid } from "../race/race.js";
import { type Answer, Cart, newProduct, newTenant, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { outcome } from "../support/outcome.js";

const admin = administrator();
let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

/** A cart whose price is net, so that tax moves its total, too. */
async function prepared() {
  const made = await newProduct(tenant, { stock: 9 });
  const prices = [{ currency: "EUR", amount: 1_000, taxInclusive: false }];
  await tenant.put(`/v1/admin/variants/${made.variantId}/prices`, { prices });
  const cart = await Cart.open(tenant.shop, { lines: [{ variantId: made.variantId, quantity: 2 }] });
  return { ...made, cart: await cart.prepare() };
}
type Prepared = Awaited<ReturnType<typeof prepared>>;

/** All that a cart is priced from and that is not the cart's own; each by so much, there and back. */
const sources: Record<string, (made: Prepared, by: number) => Promise<unknown>> = {
  price: ({ variantId }, by) => {
    const prices = [{ currency: "EUR", amount: 1_000 + by, taxInclusive: false }];
    return tenant.put(`/v1/admin/variants/${variantId}/prices`, { prices });
  },
  "rate of tax": (_, by) =>
    admin.query("update tax_rate set rate = $2 where tenant_id = $1 and rate > 1000", [tenantUuid(tenant), 1_900 + by]),
  delivery: (_, by) =>
    admin.query("update shipping_option set amount = $2 where tenant_id = $1", [tenantUuid(tenant), 500 + by]),
  "inclusion of tax": ({ variantId }, by) => {
    const prices = [{ currency: "EUR", amount: 1_000, taxInclusive: by !== 0 }];
    return tenant.put(`/v1/admin/variants/${variantId}/prices`, { prices });
  },
};

const complete = ({ cart }: Prepared, body: object = {}, headers: Record<string, string> = {}): Promise<Answer> =>
  cart.shop.call("POST", `${cart.path}/complete`, { body, headers: { "idempotency-key": randomUUID(), ...headers } });
const read = ({ cart }: Prepared) => cart.shop.call("GET", cart.path);
const etagOf = ({ headers }: Answer) => ({ "if-match": headers.get("etag") ?? "" });

describe.each(Object.entries(sources))("the %s moves after the shopper has seen the cart", (_, move) => {
  test("the order is refused, with the new amounts; it is made when the shopper asks again", async () => {
    const made = await prepared();
    const { state } = made.cart;
    await move(made, 200);
    const key = randomUUID();
    const refused = await complete(made, {}, { "idempotency-key": key, ...made.cart.ifMatch });
    expect(outcome(refused)).toBe("409 cart.total_changed");
    const now = (await read(made)).body;
    expect(now).toMatchObject({ status: "open", version: state.version });
    expect(refused.body).toMatchObject({ expected: state.totals.total, total: now.totals.total, totals: now.totals });
    expect(refused.body.changes.length).toBeGreaterThan(0);
    expect(refused.body.total).not.toEqual(refused.body.expected);
    expect((await complete(made, {}, { "idempotency-key": key, ...made.cart.ifMatch })).text).toBe(refused.text);
    const { status, body } = await complete(made, {}, made.cart.ifMatch);
    expect([status, body.order.totals]).toEqual([200, now.totals]);
    await move(made, 0);
  });

  test("and back again: the order is made", async () => {
    const made = await prepared();
    await move(made, 200);
    await move(made, 0);
    expect((await complete(made)).status).toBe(200);
  });

  test("the ETag moves with it; what was read counts, and not what a write has answered", async () => {
    const made = await prepared();
    const before = await read(made);
    await move(made, 200);
    const after = await read(made);
    expect(etagOf(after)).not.toEqual(etagOf(before));
    expect((await read(made)).headers.get("etag")).toBe(after.headers.get("etag"));
    expect(outcome(await complete(made, {}, etagOf(before)))).toBe("412 version_stale");
    expect((await complete(made, {}, etagOf(after))).status).toBe(200);
    await move(made, 0);
  });

  test("an expected total is compared, whatever was seen", async () => {
    const made = await prepared();
    await move(made, 200);
    const { total } = (await read(made)).body.totals;
    const wrong = { amount: total.amount - 1, currency: "EUR" };
    const refused = await complete(made, { expectedTotal: wrong });
    expect([outcome(refused), refused.body.expected, refused.body.total]).toEqual([
      "409 cart.total_changed",
      wrong,
      total,
    ]);
    expect(outcome(await complete(made, { expectedTotal: { ...total, currency: "USD" } }))).toBe(
      "409 cart.total_changed",
    );
    expect((await complete(made, { expectedTotal: total })).status).toBe(200);
    await move(made, 0);
  });
});

test("a refusal takes neither stock nor a number, and a change of the cart shows the amounts anew", async () => {
  const made = await prepared();
  await sources.price?.(made, 100);
  expect(outcome(await complete(made))).toBe("409 cart.total_changed");
  const { data } = await tenant.get(`/v1/admin/inventory?variantId=${made.variantId}`);
  expect(data[0]).toMatchObject({ onHand: 9, reserved: 0 });
  await sources.price?.(made, 200);
  await made.cart.change({ email: "grace@example.com" });
  expect((await complete(made)).status).toBe(200);
});

test("a change of the cart takes its ETag, and compares the version in it", async () => {
  const made = await prepared();
  const etag = etagOf(await read(made));
  await sources.price?.(made, 100);
  const change = (headers: Record<string, string>) =>
    made.cart.shop.call("PATCH", made.cart.path, { body: { email: "grace@example.com" }, headers });
  const changed = await change(etag);
  expect([changed.status, etagOf(changed)]).toEqual([200, etagOf(await read(made))]);
  expect(outcome(await change(etag))).toBe("412 version_stale");
  const product = (headers: Record<string, string>) =>
    tenant.call("PATCH", `/v1/admin/products/${made.productId}`, { body: {}, headers });
  expect(outcome(await product(etag))).toBe("400 if_match_invalid");
});
