import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { atOnce } from "../race/race.js";
import type { Body } from "../support/client.js";
import { tally } from "../support/outcome.js";
import { paymentSuite } from "../support/payment-suite.js";
import { byCard, cartOf, onPage } from "../support/stripe.js";

const till = paymentSuite();

const isPaid = ({ paymentStatus }: Body) => paymentStatus === "captured";

describe("complete", () => {
  test.each([
    ["a payment intent", byCard, "/v1/payment_intents"],
    ["a checkout session", onPage, "/v1/checkout/sessions"],
  ])("twenty times at once, with one key and with others: one order, %s, equal answers", async (_, means, path) => {
    const { cart } = await cartOf(till.tenant);
    const one = randomUUID();
    // So slowly that all of them ask before anybody is answered.
    till.faults({ kind: "slow", ms: 1_500, method: "POST", path, next: 20 });
    const answers = await atOnce(20, (index) => cart.complete(index % 2 ? one : randomUUID(), means));
    const good = answers.filter(({ status }) => status === 200);
    for (const { status, body } of answers) if (status !== 200) expect(body.code).toBe("idempotency_key_in_flight");
    expect(good.length).toBeGreaterThanOrEqual(10); // whoever had a key of their own
    expect(new Set(good.map(({ body }) => JSON.stringify(body.payment))).size).toBe(1);
    expect(new Set(good.map(({ body }) => body.order.id)).size).toBe(1);
    const again = await cart.complete(one, means);
    expect(again.body).toEqual(good[0]?.body);
    const orderId = good[0]?.body.order.id;
    const opened = till.asked("POST", /^\/v1\/(payment_intents|checkout\/sessions)$/);
    const made = opened.filter(({ params }) => JSON.stringify(params).includes(orderId));
    expect(new Set(made.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(1);
    expect(made.filter(({ replayed, status }) => status === 200 && !replayed)).toHaveLength(1);
    const { payments } = await till.order(orderId);
    expect(payments).toHaveLength(1);
  });

  test("and the webhook in the same instant: paid once, whoever comes first", async () => {
    const bought = await atOnce(8, () => till.buy());
    await Promise.all(
      bought.flatMap(({ cart, payment }) => [
        till.pay(payment),
        ...[0, 1, 2].map(() => cart.complete(randomUUID(), byCard)),
      ]),
    );
    for (const { orderId, cart } of bought) {
      const order = await till.when(orderId, isPaid);
      expect(order.status).toBe("open");
      const { body } = await cart.complete(randomUUID(), byCard);
      expect(body).toMatchObject({ order: { id: orderId, status: "open" }, payment: { action: null } });
    }
  });

  test("the page to which the shopper returns waits and writes nothing", async () => {
    const { cart, orderId, payment } = await till.buy();
    const waiting = cart.shop.get(`/v1/store/orders/${orderId}?wait=2`);
    await till.pay(payment);
    expect(["pending", "open"]).toContain((await waiting).status);
    await till.when(orderId, isPaid);
  });
});

describe("two attempts for one order", () => {
  const retry = (cart: Body, orderId: string, means: object) =>
    cart.shop.call("POST", `/v1/store/orders/${orderId}/payments`, {
      body: means,
      headers: { "idempotency-key": randomUUID() },
    });

  test("both are paid: one counts, the money of the other goes back by itself", async () => {
    const { cart, orderId, payment } = await till.buy();
    const second = await retry(cart, orderId, byCard.payment);
    expect(second.status).toBe(201);
    await Promise.all([till.pay(payment), till.pay(second.body)]);
    const order = await till.when(orderId, ({ payments }) =>
      payments.every(({ status }: Body) => status === "captured" || status === "voided"),
    );
    expect(order.payments.map(({ status }: Body) => status).sort()).toEqual(["captured", "voided"]);
    expect(order).toMatchObject({ status: "open", paymentStatus: "captured" });
    expect(
      till
        .intentsOf(orderId)
        .map(({ status }) => status)
        .sort(),
    ).toEqual(["canceled", "succeeded"]);
  });

  test("shoppers with three attempts each pay all of them at once: each order is paid once", async () => {
    const bought = await atOnce(4, () => till.buy());
    const attempts = await Promise.all(
      bought.flatMap(({ cart, orderId, payment }) => [
        payment,
        ...[0, 1].map(async () => (await retry(cart, orderId, byCard.payment)).body),
      ]),
    );
    await Promise.all(attempts.map((payment) => till.pay(payment)));
    await till.rest();
    for (const { orderId } of bought) {
      const { paymentStatus, payments } = await till.order(orderId);
      expect(paymentStatus).toBe("captured");
      expect(payments.map(({ status }: Body) => status).sort()).toEqual(["captured", "voided", "voided"]);
    }
  });

  test("of an order that is paid there is no other", async () => {
    const { cart, orderId } = await till.sell();
    const { status, body } = await retry(cart, orderId, byCard.payment);
    expect([status, body.code]).toEqual([409, "order.not_payable"]);
  });
});

test("whoever hears of one payment at the same moment writes it once", async () => {
  const { orderId, payment } = await till.buy();
  await till.side.chaos({ webhooks: { hold: true } });
  await till.pay(payment);
  await till.side.chaos({ webhooks: { hold: false } });
  await till.side.act("release", { times: 12, order: "shuffled" });
  const order = await till.when(orderId, isPaid);
  expect(order.payments[0].events.map(({ type }: Body) => type)).toEqual(["opened", "authorized", "captured"]);
  expect(tally(await atOnce(3, () => till.ask("capture", orderId, {})))).toEqual({ "409 payment.capture_exceeds": 3 });
});
