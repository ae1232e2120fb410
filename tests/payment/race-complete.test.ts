import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { typeIdToUuid } from "../../drizzle/typeid.js";
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
  const page = (name: number) => ({ ...onPage.payment, returnUrl: `https://shop.example/${name}` });
  const openAttempts = async (orderId: string) =>
    (
      await till.query(
        "select id from payment where tenant_id = $1 and order_id = $2 and closed_at is null",
        typeIdToUuid("ord", orderId),
      )
    ).length;
  const payable = (orderId: string) =>
    till.intentsOf(orderId).filter(({ status }) => /^requires_(payment_method|confirmation|action)$/.test(status))
      .length;

  test("one begins while the other is paid: the order is paid once, or waits for the second", async () => {
    const bought = await atOnce(4, () => till.buy());
    await Promise.all(
      bought.flatMap(({ cart, orderId, payment }) => [
        till.pay(payment).catch(() => undefined), // closed before it could be paid
        retry(cart, orderId, page(1)),
      ]),
    );
    await till.rest();
    for (const { orderId } of bought) {
      const { status, payments } = await till.order(orderId);
      const captured = payments.filter((payment: Body) => payment.status === "captured");
      expect([status, captured.length]).toEqual(status === "open" ? ["open", 1] : ["pending", 0]);
      expect(till.intentsOf(orderId).filter((intent) => intent.status === "succeeded")).toHaveLength(captured.length);
    }
  });

  test("several begin at once: no two are payable afterwards", async () => {
    const bought = await atOnce(3, () => till.buy());
    const answers = await Promise.all(
      bought.flatMap(({ cart, orderId }) => [1, 2, 3].map((name) => retry(cart, orderId, page(name)))),
    );
    expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
    for (const { orderId } of bought) {
      expect(await openAttempts(orderId)).toBe(1);
      expect(payable(orderId)).toBeLessThanOrEqual(1);
    }
  });

  test("none begins while the other is being charged", async () => {
    const { cart, orderId, payment } = await till.buy();
    await till.pay(payment, await till.sepa("DE89370400440532013000"));
    const { status, body } = await retry(cart, orderId, page(1));
    expect([status, body.code]).toBeOneOf([
      [409, "payment.in_progress"],
      [409, "order.not_payable"],
    ]);
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
