import { describe, expect, test, vi } from "vitest";
import { type Body, Cart } from "../support/client.js";
import { paymentSuite } from "../support/payment-suite.js";
import { unflagged } from "./known.js";
import { newWorkers, type Worker } from "./worker.js";

const till = paymentSuite();

/** Somebody else buys what is on the shelf. */
async function snatch(variantId: string) {
  const cart = await Cart.open(till.tenant.shop, { lines: [{ variantId, quantity: 1 }] });
  await cart.prepare();
  expect((await cart.complete()).status).toBe(200);
}
const types = ({ payments: [payment] }: Body) => payment.events.map(({ type }: Body) => type);
const lapse = (table: string) =>
  till.query(`update ${table} set expires_at = now() - interval '1 second' where tenant_id = $1`);

/** A refund of a debit is under way for a while too; its id. */
async function refunded(intent: string): Promise<string> {
  await vi.waitUntil(() => till.refundsOf(intent).length > 0, { timeout: 60_000 });
  await till.host.clock.advance(120_000);
  return till.refundsOf(intent)[0]?.id ?? "";
}

describe("the goods were sold to somebody else before the money came", () => {
  test("a card: the promise is let go, the order is cancelled, and says so", async () => {
    const { variantId, orderId, payment } = await till.buy();
    await lapse("reservation");
    await snatch(variantId);
    await till.pay(payment);
    const order = await till.when(orderId, ({ payments }) => payments[0].status === "voided");
    expect(order).toMatchObject({ status: "cancelled", cancelReason: "out_of_stock", attention: "money_returned" });
    expect(types(order)).toEqual(["opened", "authorized", "voided"]);
    expect(till.intentOf(orderId)).toMatchObject({ status: "canceled", amount_received: 0 });
    expect(order.timeline.map(({ type }: Body) => type)).toContain("payment_returned");
  });

  test("a debit that worked days later: the money goes back", async () => {
    const { variantId, orderId, payment } = await till.buy();
    await till.pay(payment, await till.sepa("DE89370400440532013000"));
    await till.when(orderId, ({ paymentStatus }) => paymentStatus === "processing");
    await lapse("reservation");
    await lapse("payment");
    await till.sweep();
    expect((await till.order(orderId)).status).toBe("pending");
    await snatch(variantId);
    till.stripe.settleDebit(till.intentOf(orderId).id, till.account);
    const order = await till.when(orderId, ({ status }) => status === "cancelled");
    expect(order.attention).toBe("money_returned");
    await refunded(till.intentOf(orderId).id);
    await till.when(orderId, ({ payments }) => payments[0].status === "refunded");
    expect(till.refundsOf(till.intentOf(orderId).id)).toMatchObject([{ status: "succeeded", amount: 10_000 }]);
  });

  test("and the refund of it fails: somebody is told", async () => {
    const { variantId, orderId, payment } = await till.buy();
    await till.pay(payment, await till.sepa("DE89370400440532013000"));
    await till.when(orderId, ({ paymentStatus }) => paymentStatus === "processing");
    await lapse("reservation");
    await snatch(variantId);
    const { id } = till.intentOf(orderId);
    till.stripe.settleDebit(id, till.account);
    const refund = await refunded(id);
    till.stripe.failRefund(refund, till.account);
    await till.when(
      orderId,
      ({ payments }) => payments[0].status === "captured" && payments[0].events.at(-1).type === "refund_failed",
    );
    const [incident] = await till.incidents("payment.not_returned");
    expect(incident).toMatchObject({ status: "open", data: { orderId } });
    // The merchant gives it back in some other way, at Stripe: that closes the matter.
    await till.dashboard.refunds.create({ payment_intent: id }, till.at);
    await till.host.clock.advance(120_000);
    await till.when(orderId, ({ payments }) => payments[0].status === "refunded");
    await till.rest();
    expect((await till.incidents("payment.not_returned"))[0]).toMatchObject({ status: "resolved" });
  });
});

describe("what is paid is not what was asked for", () => {
  test.each([
    ["another amount", { amount: 9_000 }],
    ["another currency", { currency: "usd" }],
  ])("%s: an incident, and the money goes back", async (_, change) => {
    const { orderId, payment } = await till.buy();
    await till.dashboard.paymentIntents.update(till.intentOf(orderId).id, change, till.at);
    await till.pay(payment);
    const { id } = await vi.waitUntil(() => till.intentOf(orderId).status === "canceled" && till.intentOf(orderId), {
      timeout: 60_000,
    });
    await till.rest();
    const incidents = await till.incidents("payment.amount_mismatch");
    expect(incidents.find(({ data }) => data.reference === id)).toMatchObject({ data: { orderId } });
    const order = await till.order(orderId);
    expect(order.status).toBe("pending");
    expect(order.payments[0].operations).toMatchObject([{ kind: "void", status: "succeeded" }]);
    await lapse("payment");
    await till.sweep();
    expect((await till.order(orderId)).status).toBe("cancelled");
  });

  test("another amount, taken at once: it is refunded, and the books know both", async () => {
    const { orderId, payment } = await till.buy();
    const { id } = till.intentOf(orderId);
    await till.dashboard.paymentIntents.update(id, { amount: 9_000 }, till.at);
    await till.pay(payment, await till.sepa("DE89370400440532013000"));
    till.stripe.settleDebit(id, till.account);
    await refunded(id);
    await till.rest();
    expect(till.refundsOf(id)).toMatchObject([{ status: "succeeded", amount: 9_000 }]);
    const [made] = (await till.order(orderId)).payments;
    expect(made.operations).toMatchObject([{ kind: "refund", status: "succeeded" }]);
  });
});

describe("money for an order that is given up", () => {
  test("it was cancelled: the money goes back", async () => {
    const { orderId, payment } = await till.buy();
    const [{ inside, db, cancel }] = (await newWorkers(till, 1)) as [Worker];
    expect(await inside(() => db((tx) => cancel(tx, { ...unflagged, id: orderId }, "payment_expired")))).toBe(true);
    await till.pay(payment);
    const order = await till.when(orderId, ({ payments }) => payments[0].status === "voided");
    expect(order.payments[0].operations).toMatchObject([
      { kind: "void", status: "succeeded", reason: "order_not_payable" },
    ]);
  });

  test("the attempt had been closed here: the money goes back all the same", async () => {
    const { orderId, payment } = await till.buy();
    await till.query(
      "update payment set closed_at = now() where tenant_id = $1 and closed_at is null and not accepted",
    );
    await till.pay(payment);
    const order = await till.when(orderId, ({ payments }) => payments[0].status === "voided");
    expect(order.payments[0].operations).toMatchObject([{ kind: "void", status: "succeeded" }]);
  });

  test("it was captured at Stripe while we let it go: it is refunded", async () => {
    const { variantId, orderId, payment } = await till.buy();
    await lapse("reservation");
    await snatch(variantId);
    till.faults({ kind: "slow", ms: 4_000, method: "POST", path: "/v1/payment_intents/*/cancel" });
    await till.pay(payment);
    await vi.waitUntil(
      () => till.asked("POST", /cancel$/).some(({ path }) => path.includes(till.intentOf(orderId).id)),
      { timeout: 60_000 },
    );
    await till.dashboard.paymentIntents.capture(till.intentOf(orderId).id, {}, till.at);
    await till.when(orderId, ({ payments }) => payments[0].status === "refunded");
    await till.rest();
    const order = await till.order(orderId);
    expect(order.payments[0].operations).toMatchObject([
      { kind: "void", status: "failed" },
      { kind: "refund", status: "succeeded" },
    ]);
  });
});
