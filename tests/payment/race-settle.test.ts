import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { Snapshot } from "../../core/payment/provider.js";
import { atOnce } from "../race/race.js";
import type { Body } from "../support/client.js";
import { paymentSuite } from "../support/payment-suite.js";
import { size } from "../support/size.js";
import { unflagged } from "./known.js";
import { allAtOnce, newWorkers, type Worker } from "./worker.js";

const till = paymentSuite({ timeout: 25_000 * size.snapshotRuns, end: "quiet" });
let workers: Worker[];
let one: Worker;
beforeAll(async () => {
  workers = await newWorkers(till, 6);
  one = workers[0] as Worker;
});

const idOf = async (orderId: string): Promise<string> => (await till.order(orderId)).payments[0].id;
const types = ({ payments: [payment] }: Body) => payment.events.map(({ type }: Body) => type);
/** Nothing is heard of Stripe but what the test says. */
const deaf = () => till.side.chaos({ webhooks: { hold: true } });
const crowd = (paymentId: string) => allAtOnce(workers, 2, ({ syncPayment }) => syncPayment(paymentId));

describe("twelve who look at the same moment", () => {
  test("write what they see once, at each step of a payment", async () => {
    const { orderId, payment } = await till.buy();
    await deaf();
    const id = await idOf(orderId);
    await till.pay(payment, "pm_card_chargeDeclined").catch(() => undefined);
    await crowd(id);
    expect(types(await till.order(orderId))).toEqual(["opened", "failed"]);
    await till.pay(payment);
    await crowd(id);
    await till.rest();
    expect(types(await till.order(orderId))).toEqual(["opened", "failed", "authorized", "captured"]);
    const intent = till.intentOf(orderId).id;
    for (const amount of [1_000, 2_000]) {
      const refund = await till.dashboard.refunds.create({ payment_intent: intent, amount }, till.at);
      await crowd(id);
      if (amount === 2_000) till.stripe.failRefund(refund.id, till.account);
    }
    await crowd(id);
    const order = await till.order(orderId);
    expect(types(order).slice(4)).toEqual(["refunded", "refunded", "refund_failed"]);
    expect(order.payments[0]).toMatchObject({ captured: { amount: 10_000 }, refunded: { amount: 1_000 } });
  });

  test("and those who close it, and those who do what was wished: one of them does it", async () => {
    const bought = await atOnce(4, () => till.buy());
    await deaf();
    await Promise.all(bought.map(({ payment }) => till.pay(payment)));
    for (const { orderId } of bought) {
      const paymentId = await idOf(orderId);
      await Promise.all([
        allAtOnce(workers, 1, ({ syncPayment }) => syncPayment(paymentId)),
        allAtOnce(workers.slice(0, 2), 1, ({ closeAttempt }) => closeAttempt({ paymentId })),
      ]);
      const wished = (await till.order(orderId)).payments[0].operations;
      for (const { id } of wished) await allAtOnce(workers, 1, ({ performOperation }) => performOperation(id));
    }
    await till.rest();
    const ended = await Promise.all(bought.map(({ orderId }) => till.order(orderId)));
    // Whoever closed it first let it go: then the order says so, and nothing was taken.
    for (const { paymentStatus, status, attention } of ended) {
      expect([
        ["captured", "open", null],
        ["voided", "open", "payment_lost"],
        ["voided", "cancelled", null],
      ]).toContainEqual([paymentStatus, status, attention]);
    }
  });
});

test("several payments for one order promise its total and never more, whatever races", async () => {
  const { orderId } = await till.buy();
  const taken = await allAtOnce(workers, 2, ({ db, applyPayment }) => db((tx) => applyPayment(tx, orderId, 4_000)));
  expect(taken.filter((order) => order !== undefined)).toHaveLength(2);
  const [order] = await till.query(`select tendered::int from "order" where tenant_id = $1 and status = 'pending'`);
  expect(order.tendered).toBe(8_000);
  await one.inside(() => one.db((tx) => one.cancel(tx, { ...unflagged, id: orderId }, "payment_expired")));
});

describe("what was seen of a payment, told in any order and any number of times", () => {
  /** A payment with a decline, a bank that asks, a capture and two refunds, looked at after each step. */
  async function story() {
    const { orderId, payment } = await till.buy();
    const paymentId = await idOf(orderId);
    const { id: intent } = till.intentOf(orderId);
    const seen: Snapshot[] = [];
    const look = () =>
      one.inside(async () => {
        const attempt = await one.loadAttempt(paymentId);
        const snapshot = attempt && (await one.stripe.snapshot(attempt));
        if (snapshot) seen.push(snapshot);
      });
    await till.pay(payment, "pm_card_chargeDeclined").catch(() => undefined);
    await look();
    await till.pay(payment, "pm_card_threeDSecure2Required");
    await look();
    till.stripe.authenticate(intent, "complete", till.account);
    await look();
    await till.dashboard.paymentIntents.capture(intent, {}, till.at);
    await look();
    for (const amount of [2_500, 4_000]) {
      await till.dashboard.refunds.create({ payment_intent: intent, amount }, till.at);
      await look();
    }
    return { orderId, paymentId, seen };
  }

  test("ends the same", async () => {
    await deaf();
    const order = fc.array(fc.nat(5), { minLength: 0, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(order, async (told) => {
        const { orderId, paymentId, seen } = await story();
        const tell = ({ inside, applySnapshot }: Worker, snapshot: Snapshot) =>
          inside(() => applySnapshot(paymentId, snapshot));
        await Promise.all(told.map((index) => tell(workers[index] as Worker, seen[index] as Snapshot)));
        for (const snapshot of [...seen].reverse()) await tell(one, snapshot);
        await till.rest();
        const { status, paymentStatus, attention, payments } = await till.order(orderId);
        const [{ authorized, captured, refunded }] = payments;
        expect([status, paymentStatus, attention]).toEqual(["open", "partially_refunded", null]);
        expect([authorized, captured, refunded].map(({ amount }) => amount)).toEqual([10_000, 10_000, 6_500]);
        expect(payments[0].events.filter(({ type }: Body) => type === "refunded")).toHaveLength(2);
      }),
      { numRuns: size.snapshotRuns, endOnFailure: true },
    );
  });
});
