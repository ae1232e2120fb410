import { randomUUID } from "node:crypto";
import { eq } from "drizzle-orm";
import { describe, expect, test, vi } from "vitest";
import { atOnce } from "../race/race.js";
import type { Body } from "../support/client.js";
import { paymentSuite } from "../support/payment-suite.js";
import { byCard, cartOf, onPage, submit } from "../support/stripe.js";
import { newWorkers, type Worker } from "./worker.js";

const till = paymentSuite();

const given = { status: "cancelled", cancelReason: "payment_expired", attention: null };
const shelf = async (variantId: string) =>
  (await till.tenant.get(`/v1/admin/inventory?variantId=${variantId}`)).data[0];
const due = async () =>
  Number((await till.query("select count(distinct id) from platform.due_tenants() where id = $1"))[0]?.count);
/** Three quarters of an hour are over. */
async function lapse() {
  await till.age(46);
  await till.sweep();
}

describe("nobody pays", () => {
  test.each([
    ["on the shop's page", byCard],
    ["on Stripe's page", onPage],
  ])("%s: what was begun is closed there first, then the order ends and the goods are free", async (_, means) => {
    const { orderId, payment, variantId, cart } = await till.buy(means);
    expect(await shelf(variantId)).toMatchObject({ onHand: 1, reserved: 1 });
    await lapse();
    const order = await till.order(orderId);
    expect(order).toMatchObject(given);
    expect(order.payments[0].status).toBe("voided");
    expect(await shelf(variantId)).toMatchObject({ onHand: 1, reserved: 0 });
    if (means === byCard) {
      expect(till.intentOf(orderId).status).toBe("canceled");
      const late = await till.pay(payment).catch(({ code }) => code);
      expect(late).toBe("payment_intent_unexpected_state");
    } else {
      expect((await submit(payment.action.url)).status).toBe(410);
    }
    const { body } = await cart.complete(randomUUID(), means);
    expect(body).toMatchObject({ order: { status: "cancelled" }, payment: { status: "voided", action: null } });
    expect(await due()).toBe(0);
  });

  test("and Stripe ends its page before we look: the order ends all the same", async () => {
    const { orderId, variantId } = await till.buy(onPage);
    const [session] = till.stripe.objects("checkout.session", till.account);
    await till.dashboard.checkout.sessions.expire(session?.id ?? "", {}, till.at);
    await till.when(orderId, ({ payments }) => payments[0].status === "voided");
    expect((await till.order(orderId)).status).toBe("pending"); // another attempt may follow
    await lapse();
    expect(await till.order(orderId)).toMatchObject(given);
    expect(await shelf(variantId)).toMatchObject({ reserved: 0 });
    expect(await due()).toBe(0);
  });

  test("because Stripe refused the attempt: the order ends when its time is over", async () => {
    const { cart } = await cartOf(till.tenant);
    till.stripe.chaos.faults.push({ kind: "unavailable", account: till.account });
    const { status } = await cart.complete(undefined, byCard);
    expect(status).toBe(503);
    till.calm();
    await till.query("update payment set closed_at = now() where tenant_id = $1 and closed_at is null");
    await lapse();
    const { body } = await cart.complete(undefined, byCard);
    expect(body.order).toMatchObject({ status: "cancelled" });
  });

  test("and nobody was told how, because the process died before Stripe was asked", async () => {
    const { cart } = await cartOf(till.tenant);
    till.stripe.chaos.faults.push({
      kind: "cut_before",
      account: till.account,
      path: "/v1/payment_intents",
      method: "POST",
    });
    await cart.complete(undefined, byCard);
    till.calm();
    await lapse();
    const { body } = await cart.complete(undefined, byCard);
    expect(body).toMatchObject({ order: { status: "cancelled" }, payment: { action: null } });
  });
});

describe("two attempts", () => {
  const retry = async (cart: Body, orderId: string) =>
    (
      await cart.shop.call("POST", `/v1/store/orders/${orderId}/payments`, {
        body: byCard.payment,
        headers: { "idempotency-key": randomUUID() },
      })
    ).body;

  test("the first is over, the second is not: the order waits for it", async () => {
    const { cart, orderId } = await till.buy();
    await till.age(46);
    const second = await retry(cart, orderId);
    await till.sweep();
    const order = await till.order(orderId);
    expect([order.status, order.payments.map(({ status }: Body) => status)]).toEqual([
      "pending",
      ["voided", "pending"],
    ]);
    await till.pay(second);
    await till.when(orderId, ({ paymentStatus }) => paymentStatus === "captured");
  });

  test("both are over at once: the order ends", async () => {
    const bought = await atOnce(4, () => till.buy());
    await Promise.all(bought.map(({ cart, orderId }) => retry(cart, orderId)));
    await lapse();
    for (const { orderId } of bought) expect(await till.order(orderId)).toMatchObject(given);
  });
});

test("another attempt begins in the moment in which the last one ends: the order waits for it", async () => {
  const [one, two] = (await newWorkers(till, 2)) as [Worker, Worker];
  const { orderId } = await till.buy();
  await till.query("update payment set closed_at = now() where tenant_id = $1 and closed_at is null");
  const [{ id: paymentId }] = (await till.order(orderId)).payments;
  let isMade = () => {};
  const made = new Promise<void>((resume) => {
    isMade = resume;
  });
  const { orderTable, paymentTable } = one.tables;
  const beginning = one.inside(() =>
    one.db(async (tx) => {
      await tx.select().from(orderTable).where(eq(orderTable.id, orderId)).for("update");
      const due = { orderId, amount: 10_000, currency: "EUR" } as const;
      const chosen = { input: byCard.payment, offer: { provider: "stripe" } };
      await tx.insert(paymentTable).values(await one.prepareAttempt(tx, due, chosen));
      isMade();
      await new Promise((resume) => setTimeout(resume, 1_000));
    }),
  );
  await made;
  await Promise.all([beginning, two.inside(() => two.closeAttempt({ paymentId }))]);
  expect((await till.order(orderId)).status).toBe("pending");
  await lapse();
  expect(await till.order(orderId)).toMatchObject(given);
});

test("the shopper pays in the moment in which it is given up: paid, or nothing was taken", async () => {
  const bought = await atOnce(10, () => till.buy());
  await till.age(46);
  const paying = bought.map(async ({ payment }, index) => {
    await new Promise((resume) => setTimeout(resume, index * 40));
    return till.pay(payment).then(
      () => "paid",
      () => "refused",
    );
  });
  await Promise.all([till.host.runSchedule("sweep"), ...paying]);
  await till.rest();
  for (const { orderId } of bought) {
    const { status, attention } = await till.order(orderId);
    const { amount_received: taken, status: there } = till.intentOf(orderId);
    expect([
      ["open", 10_000, "succeeded"],
      ["cancelled", 0, "canceled"],
    ]).toContainEqual([status, taken, there]);
    expect(attention).toBeNull();
  }
});

test("it is given up while Stripe opens it: nobody is told how to pay", async () => {
  const { cart } = await cartOf(till.tenant);
  till.faults({ kind: "slow", ms: 4_000, method: "POST", path: "/v1/payment_intents" });
  const asked = till.asked("POST", /payment_intents$/).length;
  const completing = cart.complete(undefined, byCard);
  await vi.waitUntil(() => till.asked("POST", /payment_intents$/).length > asked, { timeout: 30_000 });
  await till.age(46);
  await till.host.runSchedule("sweep");
  const { status, body } = await completing;
  expect([status, body.payment.action]).toEqual([200, null]);
  await till.rest();
  expect(await till.order(body.order.id)).toMatchObject(given);
  expect(till.intentOf(body.order.id).status).toBe("canceled");
});

test("what was promised is taken back while it is closed: the order says that its money is lost", async () => {
  const { orderId, payment } = await till.buy();
  till.faults(
    { kind: "slow", ms: 3_000, path: "/v1/payment_intents/*/cancel" },
    { kind: "slow", ms: 8_000, path: "/v1/payment_intents/*/capture" },
  );
  await till.age(46);
  const sweeping = till.host.runSchedule("sweep");
  await vi.waitUntil(() => till.asked("POST", /cancel$/).some(({ path }) => path.includes(till.intentOf(orderId).id)), {
    timeout: 30_000,
  });
  await till.pay(payment);
  await sweeping;
  const order = await till.when(orderId, ({ attention }) => attention !== null);
  expect(order).toMatchObject({ status: "open", attention: "payment_lost", paymentStatus: "voided" });
  expect(till.intentOf(orderId)).toMatchObject({ status: "canceled", amount_received: 0 });
});
