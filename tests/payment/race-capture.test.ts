import { describe, expect, test, vi } from "vitest";
import type { FaultKind } from "../../stacks/local/stripe/engine/chaos.js";
import { atOnce } from "../race/race.js";
import type { Body } from "../support/client.js";
import { tally } from "../support/outcome.js";
import { paymentSuite } from "../support/payment-suite.js";

const till = paymentSuite({ capture: "manual", timeout: 150_000, end: "quiet" });

const is =
  (status: string) =>
  ({ paymentStatus }: Body) =>
    paymentStatus === status;
const DAY = 86_400_000;
/** A brand of which Stripe captures nothing in parts. */
const WHOLE = "pm_card_jcb";
const CAPTURE = "/v1/payment_intents/*/capture";

describe("by hand", () => {
  test("nothing is taken before the staff says so, in parts that Stripe allows", async () => {
    const { orderId } = await till.sell();
    await till.rest();
    expect(await till.order(orderId)).toMatchObject({ status: "open", paymentStatus: "authorized" });
    const parts = [await till.ask("capture", orderId, { amount: 3_000 }), await till.ask("capture", orderId, {})];
    expect(parts.map(({ body }) => body.paymentStatus)).toEqual(["partially_captured", "captured"]);
    expect(till.intentOf(orderId)).toMatchObject({ status: "succeeded", amount_received: 10_000 });
  });

  test("ten tenths and ten more at once: the amount and not a cent more", async () => {
    const { orderId } = await till.sell();
    const answers = await atOnce(20, () => till.insist("capture", orderId, { amount: 1_000 }));
    expect(tally(answers)).toEqual({ "200": 10, "409 payment.capture_exceeds": 10 });
    const { payments } = await till.when(orderId, is("captured"));
    expect(payments[0].operations.map(({ status }: Body) => status)).toEqual(Array(10).fill("succeeded"));
    expect(till.intentOf(orderId).amount_received).toBe(10_000);
  });

  test("of a card that is captured once: the first part is the last, the rest is refused", async () => {
    const { orderId } = await till.sell({}, WHOLE);
    const answers = await atOnce(3, () => till.insist("capture", orderId, { amount: 2_000 }));
    expect(tally(answers)).toEqual({ "200": 1, "409 payment.capture_failed": 2 });
    const { paymentStatus, payments } = await till.order(orderId);
    expect([paymentStatus, payments[0].captured.amount]).toEqual(["partially_captured", 2_000]);
    expect(till.intentOf(orderId)).toMatchObject({ status: "succeeded", amount_received: 2_000 });
    expect((await till.ask("refunds", orderId, {})).body.payments[0].refunded.amount).toBe(2_000);
  });

  test("two parts, of which the second is faster: both are made, each once", async () => {
    const { orderId } = await till.sell();
    till.faults({ kind: "slow", ms: 2_500, method: "POST", path: CAPTURE });
    const before = till.asked("POST", /capture$/).length;
    const first = till.ask("capture", orderId, { amount: 3_000 });
    await vi.waitUntil(() => till.asked("POST", /capture$/).length > before, { timeout: 20_000 });
    const second = await till.ask("capture", orderId, { amount: 5_000 });
    const shown = second.body.payments[0].operations.map(({ status }: Body) => status);
    expect(shown).toEqual(["pending", "succeeded"]);
    expect((await first).body.payments[0].captured.amount).toBe(8_000);
    expect((await till.ask("capture", orderId, {})).body.paymentStatus).toBe("captured");
  });

  test.each<FaultKind>(["cut_after", "hang_after", "error_after"])(
    "a part whose answer is lost (%s): taken once",
    async (kind) => {
      const { orderId } = await till.sell();
      till.faults({ kind, method: "POST", path: CAPTURE });
      const { status, body } = await till.ask("capture", orderId, { amount: 3_000 });
      expect([status, body.payments[0].captured.amount]).toEqual([200, 3_000]);
      expect(till.intentOf(orderId).amount_received).toBe(3_000);
    },
  );

  test("captures and refunds side by side, with Stripe cutting connections: sums stay in order", async () => {
    const { orderId } = await till.sell();
    till.faults(
      { kind: "cut_after", method: "POST", path: CAPTURE, next: 3 },
      { kind: "cut_after", method: "POST", path: "/v1/refunds", next: 3 },
    );
    await atOnce(24, (index) => till.insist(index % 2 ? "refunds" : "capture", orderId, { amount: 1_000 }));
    await till.rest();
    const [payment] = (await till.order(orderId)).payments;
    expect(payment.captured.amount).toBe(10_000);
    expect(payment.refunded.amount).toBeLessThanOrEqual(10_000);
  });
});

describe("the staff lets a promise go", () => {
  test("twenty times at once: once, and nothing is lost", async () => {
    const { orderId } = await till.sell();
    const answers = await atOnce(20, () => till.insist("void", orderId, undefined));
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    const order = await till.when(orderId, is("voided"));
    expect([order.status, order.attention]).toEqual(["cancelled", null]);
    expect(till.intentOf(orderId)).toMatchObject({ status: "canceled", amount_received: 0 });
    expect((await till.ask("capture", orderId, {})).body.code).toBe("order.cancelled");
  });

  test("while it is captured: one of the two, and Stripe decides which", async () => {
    const { orderId } = await till.sell();
    const answers = await Promise.all([till.insist("capture", orderId, {}), till.insist("void", orderId, undefined)]);
    await till.rest();
    const { paymentStatus } = await till.order(orderId);
    expect(["captured", "voided"]).toContain(paymentStatus);
    expect(till.intentOf(orderId).amount_received).toBe(paymentStatus === "captured" ? 10_000 : 0);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });
});

test("a void that the provider refuses, because it was captured there meanwhile, says why", async () => {
  const { orderId, intent } = await till.sell();
  await till.rest();
  till.faults({ kind: "slow", ms: 2_000, method: "POST", path: `/v1/payment_intents/${intent.id}/cancel` });
  const voiding = till.ask("void", orderId, undefined);
  await vi.waitUntil(() => till.asked("POST", /cancel$/).some(({ path }) => path.includes(intent.id)), {
    timeout: 20_000,
  });
  await till.dashboard.paymentIntents.capture(intent.id, {}, till.at);
  const { status, body } = await voiding;
  expect([status, body.code, body.reason]).toEqual([409, "payment.void_failed", "payment_intent_unexpected_state"]);
  expect((await till.when(orderId, is("captured"))).status).toBe("open");
});

describe("at Stripe's own pages", () => {
  test("the merchant captures: it appears here", async () => {
    const { orderId, intent } = await till.sell();
    await till.dashboard.paymentIntents.capture(intent.id, { amount_to_capture: 6_000 }, till.at);
    const order = await till.when(orderId, is("partially_captured"));
    expect(order.payments[0].captured.amount).toBe(6_000);
  });

  test("while ours is under way: what is taken is known, ours has failed", async () => {
    const { orderId, intent } = await till.sell({}, WHOLE);
    till.faults({ kind: "slow", ms: 2_500, method: "POST", path: CAPTURE });
    const before = till.asked("POST", /capture$/).length;
    const ours = till.ask("capture", orderId, { amount: 7_000 });
    await vi.waitUntil(() => till.asked("POST", /capture$/).length > before, { timeout: 20_000 });
    await till.dashboard.paymentIntents.capture(intent.id, { amount_to_capture: 4_000 }, till.at);
    expect((await ours).body.code).toBe("payment.capture_failed");
    await till.rest();
    const [payment] = (await till.order(orderId)).payments;
    expect([payment.captured.amount, payment.operations.map(({ status }: Body) => status)]).toEqual([
      4_000,
      ["failed"],
    ]);
  });
});

test("Stripe lets the promise go after a week: the order says that its money is lost", async () => {
  const { orderId } = await till.sell();
  await till.rest();
  await till.host.clock.advance(8 * DAY);
  const order = await till.when(orderId, is("voided"));
  await till.rest();
  expect(order).toMatchObject({ status: "open", attention: "payment_lost" });
  expect(order.timeline.map(({ type }: Body) => type)).toContain("payment_lost");
  expect(order.payments[0].events.at(-1).type).toBe("expired");
  const { data } = await till.tenant.get("/v1/admin/orders?status=open");
  expect(data.find(({ id }: Body) => id === orderId).attention).toBe("payment_lost");
});
