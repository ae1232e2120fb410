import fc from "fast-check";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { db } from "../../core/db.js";
import { cancel } from "../../core/order/confirm.js";
import { tender } from "../../core/order/tender.js";
import { load } from "../../core/payment/attempt.js";
import { close } from "../../core/payment/expiry.js";
import { operate } from "../../core/payment/operation.js";
import type { Snapshot } from "../../core/payment/provider.js";
import { lock, settle, sync } from "../../core/payment/settle.js";
import { stripe } from "../../core/payment/stripe.js";
import { atOnce } from "../race/race.js";
import type { Body } from "../support/client.js";
import { ownHost } from "../support/host.js";
import { Till } from "../support/till.js";
import { breaches } from "./invariant.js";

vi.setConfig({ testTimeout: 150_000 });
const host = ownHost();
let till: Till;
beforeAll(async () => {
  till = await Till.open(host());
});
afterEach(async () => {
  await till.side.chaos({ reset: true });
  await till.side.act("release");
  await till.quiet();
  expect(await breaches(till)).toEqual([]);
});

const idOf = async (orderId: string): Promise<string> => (await till.order(orderId)).payments[0].id;
const types = ({ payments: [payment] }: Body) => payment.events.map(({ type }: Body) => type);
/** Nothing is heard of Stripe but what the test says. */
const deaf = () => till.side.chaos({ webhooks: { hold: true } });
const crowd = (paymentId: string) => atOnce(12, () => till.inside(() => sync(paymentId)));

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
      await till.inside(() =>
        Promise.all([
          ...Array.from({ length: 4 }, () => sync(paymentId)),
          ...Array.from({ length: 2 }, () => close.run({ paymentId }, { id: "" })),
        ]),
      );
      const wished = (await till.order(orderId)).payments[0].operations;
      await till.inside(() =>
        Promise.all(
          wished.flatMap(({ id }: Body) => [0, 1, 2].map(() => operate.run({ operationId: id }, { id: "" }))),
        ),
      );
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
  const taken = await atOnce(10, () => till.inside(() => db((tx) => tender(tx, orderId, 4_000))));
  expect(taken.filter((order) => order !== undefined)).toHaveLength(2);
  const [order] = await till.query(`select tendered::int from "order" where tenant_id = $1 and status = 'pending'`);
  expect(order.tendered).toBe(8_000);
  await till.inside(() => db((tx) => cancel(tx, orderId, "payment_expired")));
});

describe("what was seen of a payment, told in any order and any number of times", () => {
  /** A payment with a decline, a bank that asks, a capture and two refunds, looked at after each step. */
  async function story() {
    const { orderId, payment } = await till.buy();
    const paymentId = await idOf(orderId);
    const { id: intent } = till.intentOf(orderId);
    const seen: Snapshot[] = [];
    const look = () =>
      till.inside(async () => {
        const known = await load(paymentId);
        const snapshot = known && (await stripe.snapshot(known.attempt));
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
        for (const index of [...told, 5]) {
          const snapshot = seen[index] as Snapshot;
          await till.inside(() => db(async (tx) => settle(tx, await lock(tx, paymentId), snapshot)));
        }
        for (const snapshot of seen) {
          await till.inside(() => db(async (tx) => settle(tx, await lock(tx, paymentId), snapshot)));
        }
        await till.rest();
        const { status, paymentStatus, attention, payments } = await till.order(orderId);
        const [{ authorized, captured, refunded }] = payments;
        expect([status, paymentStatus, attention]).toEqual(["open", "partially_refunded", null]);
        expect([authorized, captured, refunded].map(({ amount }) => amount)).toEqual([10_000, 10_000, 6_500]);
        expect(payments[0].events.filter(({ type }: Body) => type === "refunded")).toHaveLength(2);
      }),
      { numRuns: 6, endOnFailure: true },
    );
  });
});
