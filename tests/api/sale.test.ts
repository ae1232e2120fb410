import { beforeAll, describe, expect, test } from "vitest";
import { type Body, Cart, eventually, newProduct, newTenants, type Tenant } from "../support/client.js";

let mine: Tenant;
let theirs: Tenant;
let order: Body;
let cart: Cart;

beforeAll(async () => {
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
});

describe("the first sale", () => {
  test("a shopper buys what the merchant put on the shelf", async () => {
    const { productId, variantId, slug } = await newProduct(mine, { stock: 5, amount: 1_190 });
    const { data } = await mine.shop.get("/v1/store/products");
    expect(data.map(({ id }: Body) => id)).toEqual([productId]);
    expect((await mine.shop.get(`/v1/store/products/${slug}`)).id).toBe(productId);

    cart = await Cart.open(mine.shop);
    await cart.add(variantId, 2);
    expect(cart.state.requirements).toEqual(["email_missing", "shipping_address_missing", "shipping_option_missing"]);
    await cart.prepare();
    expect(cart.state.requirements).toEqual([]);
    expect(cart.state.totals).toEqual({
      subtotal: { amount: 2_380, currency: "EUR" },
      shipping: { amount: 500, currency: "EUR" },
      tax: { amount: 460, currency: "EUR" }, // 380 in the goods, 80 in the delivery, both at 19 %
      total: { amount: 2_880, currency: "EUR" },
    });

    const answer = await cart.complete();
    expect([answer.status, answer.text]).toEqual([
      expect.toSatisfy((status) => [200, 201].includes(status)),
      expect.any(String),
    ]);
    order = answer.body.order;
    expect(order).toMatchObject({ number: 1001, status: "open", paymentStatus: "pending", totals: cart.state.totals });
    expect(answer.body.payment).toEqual({ status: "pending", action: null });
    const levels = await mine.get(`/v1/admin/inventory?variantId=${variantId}`);
    expect(levels.data[0]).toMatchObject({ onHand: 3, reserved: 0, available: 3 });
  });

  test("the other tenant sees nothing of it", async () => {
    for (const path of ["/v1/admin/orders", "/v1/admin/products", "/v1/admin/inventory/movements"]) {
      expect((await theirs.get(path)).data).toEqual([]);
    }
    expect((await theirs.call("GET", `/v1/admin/orders/${order.id}`)).status).toBe(404);
    expect(
      (await theirs.shop.with({ "x-cart-token": cart.state.token }).call("GET", `/v1/store/orders/${order.id}`)).status,
    ).toBe(404);
  });

  test("the order is opened by the token of its cart only", async () => {
    expect((await cart.shop.get(`/v1/store/orders/${order.id}`)).id).toBe(order.id);
    expect((await mine.shop.call("GET", `/v1/store/orders/${order.id}`)).status).toBe(404);
  });

  test("its events have their effects: a confirmation by mail, and the day's sales", async () => {
    const events = await eventually(async () => {
      const { data } = await mine.get("/v1/admin/events?type=order.placed");
      return data[0]?.publishedAt && data;
    });
    expect(events).toHaveLength(1);
    const sales = await eventually(async () => {
      const { data } = await mine.get("/v1/admin/reports/sales");
      return data[0] && data;
    });
    expect(sales[0]).toMatchObject({ orders: 1 });
    const timeline = await eventually(async () => {
      const { timeline } = await mine.get(`/v1/admin/orders/${order.id}`);
      return timeline.some(({ type }: Body) => type === "confirmation_sent") && timeline;
    });
    expect(timeline.at(-1).type).toBe("placed");
    const { data: jobs } = await mine.get("/v1/admin/jobs");
    expect(jobs.find(({ name }: Body) => name === "order.confirmation-mail")).toMatchObject({ status: "succeeded" });
  });

  test("staff captures the payment, once", async () => {
    const paid = await mine.post(`/v1/admin/orders/${order.id}/capture`, {});
    expect(paid.paymentStatus).toBe("captured");
    const again = await mine.call("POST", `/v1/admin/orders/${order.id}/capture`, {
      body: {},
      headers: { "idempotency-key": "again" },
    });
    expect(again.status).toBe(409);
  });
});
