import { describe, expect, test } from "vitest";
import { db } from "../../core/kernel/db.js";
import { Order } from "../../core/order/index.js";
import { Payment } from "../../core/payment/index.js";
import { testProvider } from "./test-provider.js";
import { type Sold, testShop } from "./test-shop.js";

const shop = testShop();

describe("an attempt", () => {
  const open = ({ paymentId }: Sold) => shop.within(() => Payment.openAttempt(paymentId));
  const close = ({ paymentId }: Sold) => shop.within(() => Payment.closeAttempt({ paymentId }));
  const names = () => testProvider.calls.map(({ call }) => call);

  test("is opened only while it can be paid", async () => {
    const made = await shop.bought();
    expect((await open(made)).action).toMatchObject({ type: "redirect" });
    testProvider.reset();
    expect((await open(await shop.sold())).action).toBeNull();
    await shop.closeAttempts(made);
    expect((await open(made)).action).toBeNull();
    const cancelled = await shop.bought();
    await shop.within(() => db((tx) => Order.cancel(tx, cancelled.orderId, "payment_expired")));
    expect((await open(cancelled)).action).toBeNull();
    expect(names()).toEqual([]);
  });

  test("that ends while it is opened is closed at the provider, and the shopper gets no action", async () => {
    const made = await shop.bought();
    testProvider.meanwhile = async (call) => {
      if (call === "open") await shop.closeAttempts(made);
    };
    expect((await open(made)).action).toBeNull();
    expect(names()).toEqual(["open", "close"]);
  });

  test("that counts is never closed; the last open one ends the order", async () => {
    await close(await shop.sold());
    expect(names()).toEqual([]);
    const made = await shop.bought();
    await shop.copyAttempt(made);
    testProvider.reported = { status: "expired" };
    await close(made);
    expect((await shop.orderOf(made)).status).toBe("pending");
    await shop.closeAttempts(made);
    await close(made);
    expect((await shop.orderOf(made)).status).toBe("cancelled");
  });
});
