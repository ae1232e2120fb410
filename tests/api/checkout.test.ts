import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { newTypeId } from "../../drizzle/typeid.js";
import { pretend } from "../billing/plan.js";
import { type Answer, address, type Body, Cart, newProduct, newTenants, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { faults, outcome, tally } from "../support/outcome.js";

const admin = administrator();
let mine: Tenant;
let theirs: Tenant;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
});

/** A cart of one new product. */
async function cartOf({ quantity = 1, ...product }: Parameters<typeof newProduct>[1] & { quantity?: number } = {}) {
  const made = await newProduct(mine, { stock: 5, ...product });
  const cart = await Cart.open(mine.shop, { lines: [{ variantId: made.variantId, quantity }] });
  return { ...made, cart };
}
const prepared = async (...[wanted]: Parameters<typeof cartOf>) => {
  const made = await cartOf(wanted);
  await made.cart.prepare();
  return made;
};
const levelOf = async (variantId: string): Promise<Body> =>
  (await mine.get(`/v1/admin/inventory?variantId=${variantId}`)).data[0];

describe("completing a cart", () => {
  test("makes an order with the prices of the moment, takes the stock and says what happened", async () => {
    const { cart, variantId } = await prepared({ quantity: 2 });
    const { status, body } = await cart.complete();
    expect(status).toBe(200);
    const { order, payment } = body;
    expect(order).toMatchObject({
      number: 1001,
      version: 1,
      status: "open",
      paymentStatus: "pending",
      fulfillmentStatus: "unfulfilled",
      email: "ada@example.com",
      shippingAddress: address,
      billingAddress: address,
      totals: cart.state.totals,
    });
    expect(order.lines).toMatchObject([{ variantId, quantity: 2, total: { amount: 2_000, currency: "EUR" } }]);
    expect(payment).toEqual({ status: "pending", action: null });
    expect(await levelOf(variantId)).toMatchObject({ onHand: 3, reserved: 0 });
    const { data } = await mine.get("/v1/admin/events?type=order.placed");
    expect(data.map(({ data: of }: Body) => of.orderId)).toEqual([order.id]);
  });

  test("again, under any key, answers the same order", async () => {
    const { cart, variantId } = await prepared();
    const key = randomUUID();
    const [first, again, other] = [await cart.complete(key), await cart.complete(key), await cart.complete()];
    expect([again.text, again.headers.get("idempotent-replayed")]).toEqual([first.text, "true"]);
    expect(other.body).toEqual(first.body);
    expect((await levelOf(variantId)).onHand).toBe(4);
  });

  test("tells by the cart which order it has become, and tells nobody else", async () => {
    const { cart } = await prepared();
    const { orderId, orderNumber } = cart.state;
    expect([orderId, orderNumber]).toEqual([null, null]);
    const { order } = (await cart.complete()).body;
    const became = { status: "completed", orderId: order.id, orderNumber: order.number };
    expect(await cart.shop.get(cart.path)).toMatchObject(became);
    expect((await theirs.shop.with(cart.shop.headers).call("GET", cart.path)).status).toBe(404);
    await mine.post(`/v1/admin/orders/${order.id}/cancel`, {});
    expect(await cart.shop.get(cart.path)).toMatchObject(became);
  });

  test("numbers orders without a gap, also after a refusal", async () => {
    const [one, two] = [await prepared(), await prepared({ stock: 0 })];
    const first = (await one.cart.complete()).body.order.number;
    expect(outcome(await two.cart.complete())).toBe("409 stock.insufficient");
    expect((await (await prepared()).cart.complete()).body.order.number).toBe(first + 1);
  });

  test("for nothing is paid at once", async () => {
    const { cart } = await cartOf({ amount: 0 });
    const [option] = (await mine.get("/v1/admin/shipping-options")).data;
    const free = await mine.post("/v1/admin/shipping-options", {
      regionId: option.regionId,
      taxClassId: option.taxClassId,
      name: "For nothing",
      price: { amount: 0, currency: "EUR" },
      position: 9,
    });
    await cart.change({ email: "ada@example.com", shippingAddress: address, shippingOptionId: free.id });
    const { body } = await cart.complete();
    expect(body).toMatchObject({
      order: { status: "open", paymentStatus: "captured" },
      payment: { status: "captured", action: null },
    });
    const { payments } = await mine.get(`/v1/admin/orders/${body.order.id}`);
    expect(payments).toMatchObject([{ provider: "manual", amount: { amount: 0 }, authorized: { amount: 0 } }]);
  });
});

describe("a cart that is not complete", () => {
  const refusedFor = async (cart: Cart) => {
    const { body, ...answer } = await cart.complete();
    return [outcome({ body, ...answer }), body.requirements];
  };

  test("says what it lacks", async () => {
    const cart = await Cart.open(mine.shop);
    const lacks = ["lines_missing", "email_missing", "shipping_address_missing", "shipping_option_missing"];
    expect(await refusedFor(cart)).toEqual(["409 cart.incomplete", lacks]);
    expect((await cart.shop.get(cart.path)).status).toBe("open");
  });

  test("has an address in a country that the shop does not serve", async () => {
    const { cart } = await prepared();
    await cart.change({ shippingAddress: { ...address, country: "FR" } });
    expect(await refusedFor(cart)).toEqual(["409 cart.incomplete", ["country_not_served"]]);
  });

  test("has a product that is not sold any more", async () => {
    const { cart, productId } = await prepared();
    await mine.patch(`/v1/admin/products/${productId}`, { status: "archived" });
    expect(await refusedFor(cart)).toEqual(["409 cart.incomplete", ["variant_unavailable"]]);
  });

  test("has become too expensive for one order", async () => {
    const { cart, variantId } = await prepared({ quantity: 10_000, amount: 1 });
    const prices = [{ currency: "EUR", amount: 99_999_999_999 }];
    await mine.put(`/v1/admin/variants/${variantId}/prices`, { prices });
    expect(await refusedFor(cart)).toEqual(["409 cart.incomplete", ["total_too_large"]]);
  });
});

test("stock that is not there refuses the order, and says for which variants", async () => {
  const { cart, variantId } = await prepared({ stock: 1, quantity: 2 });
  const refused = await cart.complete();
  expect([outcome(refused), refused.body.items]).toEqual([
    "409 stock.insufficient",
    [{ variantId, requested: 2, available: 1 }],
  ]);
  expect(await levelOf(variantId)).toMatchObject({ onHand: 1, reserved: 0 });
  await mine.post("/v1/admin/inventory/adjustments", { adjustments: [{ variantId, delta: 1 }], reason: "received" });
  expect((await cart.complete()).status).toBe(200);
});

test("a request needs a key, the cart's token, and the version where it names one", async () => {
  const { cart } = await prepared();
  const complete = (headers: Record<string, string>, shop = cart.shop, path = cart.path): Promise<Answer> =>
    shop.call("POST", `${path}/complete`, { body: {}, headers });
  const key = () => ({ "idempotency-key": randomUUID() });
  const answers = [
    await complete({}),
    await complete({ ...key(), "if-match": '"1"' }),
    await complete(key(), mine.shop),
    await complete(key(), theirs.shop.with(cart.shop.headers)),
    await complete(key(), cart.shop, `/v1/store/carts/${newTypeId("crt")}`),
  ];
  expect(answers.map(outcome)).toEqual([
    "400 idempotency_key_required",
    "412 version_stale",
    "404 cart.not_found",
    "404 cart.not_found",
    "404 cart.not_found",
  ]);
  expect((await complete({ ...key(), ...cart.ifMatch })).status).toBe(200);
});

test("a way to pay that does not fit its schema is refused", async () => {
  const { cart } = await prepared();
  const pay = async (payment: object) => faults(await cart.complete(undefined, { payment }));
  const session = { provider: "stripe", method: "checkout_session" };
  expect([
    await pay({ provider: "cash" }),
    await pay({ provider: "stripe", method: "cheque" }),
    await pay(session),
    await pay({ ...session, returnUrl: "javascript:alert(1)" }),
  ]).toEqual([
    "422 invalid_request /payment/provider",
    "422 invalid_request /payment/method",
    "422 invalid_request /payment/returnUrl",
    "422 invalid_request /payment/returnUrl",
  ]);
});

test("a shop without an account at the provider takes no card", async () => {
  const { cart, variantId } = await prepared();
  const refused = await cart.complete(undefined, { payment: { provider: "stripe", method: "payment_intent" } });
  expect(outcome(refused)).toBe("409 payment.provider_unavailable");
  expect(await levelOf(variantId)).toMatchObject({ onHand: 5, reserved: 0 });
});

test("a shop whose plan has no room takes no order; shoppers are not told why, the merchant is", async () => {
  const { cart } = await prepared();
  await pretend(admin, mine, "ordersPerMonth", 5_000);
  const asMerchant = mine.with(cart.shop.headers);
  const answers = [
    await cart.complete(),
    await asMerchant.call("POST", `${cart.path}/complete`, { body: {}, headers: { "idempotency-key": randomUUID() } }),
  ];
  expect(answers.map(outcome)).toEqual(["403 checkout.closed", "403 entitlement_required"]);
  expect(answers[1]?.body).toMatchObject({ entitlement: "ordersPerMonth", limit: 5_000, current: 5_000 });
  await pretend(admin, mine, "ordersPerMonth", 0);
  expect(tally([await cart.complete()])).toEqual({ "200": 1 });
});
