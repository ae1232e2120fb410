import { randomUUID } from "node:crypto";
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { FaultKind } from "../../stacks/local/stripe/chaos.js";
import type { Body } from "../support/client.js";
import { ownHost } from "../support/host.js";
import { byCard, cartOf, onPage } from "../support/stripe.js";
import { Till } from "../support/till.js";
import { breaches } from "./invariant.js";

vi.setConfig({ testTimeout: 90_000 });
const host = ownHost();
let till: Till;
beforeAll(async () => {
  till = await Till.open(host());
});
afterEach(async () => {
  till.calm();
  await till.rest();
  expect(await breaches(till)).toEqual([]);
});

const isPaid = ({ paymentStatus }: Body) => paymentStatus === "captured";
const PI = "/v1/payment_intents";

/** What passes by itself, or is found out by asking again. */
const kinds: FaultKind[] = [
  "cut_before",
  "cut_after",
  "hang_after",
  "error_after",
  "unavailable",
  "rate_limit",
  "lock_timeout",
  "conflict",
];

describe.concurrent.each(kinds)("Stripe answers with %s", (kind) => {
  test("to the opening of an intent: the shopper pays once", async () => {
    till.faults({ kind, method: "POST", path: PI });
    const { orderId, payment } = await till.buy();
    expect(payment.action.type).toBe("confirm_payment_intent");
    await till.pay(payment);
    await till.when(orderId, isPaid);
    expect(till.intentsOf(orderId)).toHaveLength(1);
  });

  test("to the opening of a page", async () => {
    till.faults({ kind, method: "POST", path: "/v1/checkout/sessions" });
    const { payment } = await till.buy(onPage);
    expect(payment.action.type).toBe("redirect");
  });

  test("to a capture", async () => {
    till.faults({ kind, method: "POST", path: `${PI}/*/capture` });
    const { orderId } = await till.sell();
    const { payments } = await till.when(orderId, isPaid, 80_000);
    expect(payments[0].operations).toMatchObject([{ kind: "capture", status: "succeeded" }]);
  });

  test("to a refund: it is made once, or shown as pending until it is", async () => {
    const { orderId } = await till.sell();
    await till.when(orderId, isPaid);
    till.faults({ kind, method: "POST", path: "/v1/refunds" });
    const { status } = await till.ask("refunds", orderId, { amount: 2_500 });
    expect(status).toBe(200);
    const order = await till.when(orderId, ({ paymentStatus }) => paymentStatus === "partially_refunded", 80_000);
    expect(order.payments[0].refunded.amount).toBe(2_500);
    expect(till.refundsOf(till.intentOf(orderId).id)).toHaveLength(1);
  });
});
