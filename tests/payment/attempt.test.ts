import { setTimeout } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { db } from "../../core/kernel/db.js";
import { Order } from "../../core/order/index.js";
import { Payment } from "../../core/payment/index.js";
import { unflagged } from "./known.js";
import { testProvider } from "./test-provider.js";
import { type Sold, testShop } from "./test-shop.js";

const shop = testShop();

describe("an attempt", () => {
  const open = ({ paymentId }: Sold) => shop.within(() => Payment.openAttempt(paymentId));
  const close = ({ paymentId }: Sold) => shop.within(() => Payment.closeAttempt({ paymentId }));
  const names = () => testProvider.calls.map(({ call }) => call);

  test("is opened only while it can be paid", async () => {
    const [waiting, closed, cancelled] = [await shop.bought(), await shop.bought(), await shop.bought()];
    const counts = await shop.sold();
    await shop.closeAttempts(closed);
    await shop.within(() => db((tx) => Order.cancel(tx, { ...unflagged, id: cancelled.orderId }, "payment_expired")));
    for (const made of [counts, closed, cancelled]) expect((await open(made)).action).toBeNull();
    expect(names()).toEqual([]);
    expect((await open(waiting)).action).toMatchObject({ type: "redirect" });
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
    testProvider.reset();
    await close(made);
    expect((await shop.orderOf(made)).status).toBe("cancelled");
    expect(names()).toEqual([]);
  });

  test("that begins while the last one ends keeps the order", async () => {
    const made = await shop.bought();
    await shop.closeAttempts(made);
    const { begin, commit } = await shop.attemptUnderWay(made);
    const ended = close(made);
    await begin();
    await setTimeout(500); // the closing waits for the order, which the new attempt has locked
    await commit();
    await ended;
    expect((await shop.orderOf(made)).status).toBe("pending");
  });
});
