import { describe, expect, test } from "vitest";
import type { FaultKind } from "../../stacks/local/stripe/engine/chaos.js";
import { atOnce, DATABASE_WORDS } from "../race/race.js";
import { type Body, eventually } from "../support/client.js";
import { tally } from "../support/outcome.js";
import { paymentSuite } from "../support/payment-suite.js";
import { SALES } from "./sale.js";

const till = paymentSuite({ timeout: 150_000, end: "quiet" });

const is =
  (status: string) =>
  ({ paymentStatus }: Body) =>
    paymentStatus === status;

/** An order of 100.00, paid. */
async function paid(method?: string) {
  const sold = await till.sell({}, method);
  return { ...sold, order: await till.when(sold.orderId, is("captured")) };
}
const made = (intent: string) => till.refundsOf(intent).filter(({ status }) => status === "succeeded");
const sumOf = (intent: string) => made(intent).reduce((sum, { amount }) => sum + amount, 0);

describe("20 refunds of 10.00 at once of 100.00", () => {
  test.each<[string, FaultKind | undefined]>([
    ["answers", undefined],
    ["is slow", "slow"],
    ["cuts the connection afterwards", "cut_after"],
    ["cuts the connection before", "cut_before"],
    ["says 500 afterwards", "error_after"],
  ])("while Stripe %s: exactly 10", async (_, kind) => {
    const { orderId, intent } = await paid();
    if (kind) till.faults({ kind, method: "POST", path: "/v1/refunds", next: 6, ms: 700 });
    const answers = await atOnce(20, () => till.insist("refunds", orderId, { amount: 1_000 }));
    expect(tally(answers)).toEqual({ "200": 10, "409 payment.refund_exceeds": 10 });
    for (const { text } of answers) expect(text).not.toMatch(DATABASE_WORDS);
    const order = await till.when(orderId, is("refunded"), 120_000);
    expect(order.payments[0].refunded.amount).toBe(10_000);
    expect([made(intent.id).length, sumOf(intent.id)]).toEqual([10, 10_000]);
  });
});

test("with one key, twenty times at once: one, and equal bytes", async () => {
  const { orderId, intent } = await paid();
  const answers = await atOnce(20, () => till.ask("refunds", orderId, { amount: 1_000 }, `${orderId}-one`));
  const good = answers.filter(({ status }) => status === 200);
  for (const { status, body } of answers) if (status !== 200) expect(body.code).toBe("idempotency_key_in_flight");
  expect(new Set(good.map(({ text }) => text)).size).toBe(1);
  expect(made(intent.id)).toHaveLength(1);
});

describe("at Stripe's own pages", () => {
  test("the merchant gives money back: it appears here", async () => {
    const { orderId, intent } = await paid();
    await till.dashboard.refunds.create({ payment_intent: intent.id, amount: 3_000 }, till.at);
    const order = await till.when(orderId, is("partially_refunded"));
    expect(order.payments[0].events.at(-1)).toMatchObject({ type: "refunded", amount: { amount: 3_000 } });
    const { status, body } = await till.ask("refunds", orderId, { amount: 7_001 });
    expect([status, body.code, body.left]).toEqual([409, "payment.refund_exceeds", 7_000]);
    expect((await till.ask("refunds", orderId, {})).body.paymentStatus).toBe("refunded");
  });

  test("all of it, before we hear of that: a refund here is refused, and says why", async () => {
    const { orderId, intent } = await paid();
    await till.rest(); // what is still looked at would see the refund
    await till.side.chaos({ webhooks: { hold: true } });
    await till.dashboard.refunds.create({ payment_intent: intent.id }, till.at);
    const { status, body } = await till.ask("refunds", orderId, { amount: 1_000 });
    expect([status, body.code, body.reason]).toEqual([409, "payment.refund_failed", "charge_already_refunded"]);
    await till.side.chaos({ webhooks: { hold: false } });
    await till.side.act("release");
    await till.when(orderId, is("refunded"));
  });

  test("and here at the same moment: never more than was taken, and every cent of it is known", async () => {
    const { orderId, intent } = await paid();
    const there = () =>
      till.dashboard.refunds
        .create({ payment_intent: intent.id, amount: 1_500 }, { ...till.at, idempotencyKey: crypto.randomUUID() })
        .then(
          () => "200",
          () => "refused",
        );
    const [answers] = await Promise.all([
      atOnce(10, () => till.insist("refunds", orderId, { amount: 1_000 })),
      atOnce(6, there),
    ]);
    await till.rest();
    const { payments } = await till.order(orderId);
    expect(payments[0].refunded.amount).toBe(sumOf(intent.id));
    expect(sumOf(intent.id)).toBeLessThanOrEqual(10_000);
    const refused = Object.keys(tally(answers)).filter((one) => one !== "200");
    for (const one of refused) expect(one).toMatch(/^409 payment\.refund_(exceeds|failed)$/);
  });
});

describe("a refund that does not arrive", () => {
  test("days later: it is told, its money is here again, and another one can be made", async () => {
    const { orderId, intent } = await paid();
    await till.ask("refunds", orderId, { amount: 4_000 });
    const [refund] = made(intent.id);
    till.stripe.failRefund(refund?.id ?? "", till.account);
    const order = await till.when(orderId, is("captured"));
    expect(order.payments[0].events.at(-1)).toMatchObject({ type: "refund_failed", amount: { amount: 4_000 } });
    expect(order.payments[0].refunded.amount).toBe(0);
    const FAILED = "select amount::int from sale_fact where tenant_id = $1 and kind = 'refund_failed'";
    await eventually(async () => (await till.query(FAILED)).length > 0); // the report takes it back by itself
    expect(await till.query(FAILED)).toEqual([{ amount: 4_000 }]);
    await eventually(async () => (await till.query(SALES)).length === 0);
    const again = await till.ask("refunds", orderId, {});
    expect([again.status, again.body.paymentStatus]).toEqual([200, "refunded"]);
    expect(sumOf(intent.id)).toBe(10_000);
  });

  test("and never counted as made, beside one that did", async () => {
    const { orderId, intent } = await paid("pm_card_pendingRefund");
    const [first, second] = [
      await till.ask("refunds", orderId, { amount: 3_000 }),
      await till.ask("refunds", orderId, { amount: 3_000 }),
    ];
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.body.payments[0].operations.slice(1).map(({ status }: Body) => status)).toEqual([
      "pending",
      "pending",
    ]);
    expect(second.body.paymentStatus).toBe("captured");
    const [failing] = till.refundsOf(intent.id);
    till.stripe.failRefund(failing?.id ?? "", till.account);
    await till.rest();
    await till.host.clock.advance(120_000);
    const order = await till.when(orderId, is("partially_refunded"));
    expect(order.payments[0].refunded.amount).toBe(3_000);
    const statuses = order.payments[0].operations.slice(1).map(({ status }: Body) => status);
    expect(statuses.sort()).toEqual(["failed", "succeeded"]);
  });

  test("because the shopper disputes the payment: Stripe refuses, nothing is set aside", async () => {
    const { orderId, intent } = await paid();
    till.stripe.openDispute(String(intent.latest_charge), till.account);
    await till.rest();
    const { status, body } = await till.ask("refunds", orderId, {});
    expect([status, body.code, body.reason]).toEqual([409, "payment.refund_failed", "charge_disputed"]);
    const { payments, timeline } = await till.order(orderId);
    expect(payments[0].operations.at(-1)).toMatchObject({ kind: "refund", status: "failed" });
    expect(timeline[0].type).toBe("refund_failed");
  });
});
