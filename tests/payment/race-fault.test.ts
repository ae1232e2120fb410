import { randomUUID } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import type { FaultKind } from "../../stacks/local/stripe/engine/chaos.js";
import type { Body } from "../support/client.js";
import { ownHost } from "../support/host.js";
import { byCard, cartOf, onPage } from "../support/stripe.js";
import { Till } from "../support/till.js";
import { breaches } from "./invariant.js";

vi.setConfig({ testTimeout: 180_000 });
const host = ownHost();
const PI = "/v1/payment_intents";
const is =
  (status: string) =>
  ({ paymentStatus }: Body) =>
    paymentStatus === status;

/** What passes by itself, or is found out by asking again; `before` nothing and `after` everything has happened. */
const kinds: FaultKind[] = [
  "cut_before",
  "cut_after",
  "hang_before",
  "hang_after",
  "error_after",
  "unavailable",
  "rate_limit",
  "lock_timeout",
  "conflict",
];

/** Each has a shop of its own, because faults meet the next request of an account. */
describe.concurrent("Stripe answers the first request of each sort with", () => {
  test.each(kinds)("%s: one payment, one capture, one refund", async (kind) => {
    const till = await Till.open(host());
    till.faults({ kind, method: "POST", path: PI }, { kind, method: "POST", path: `${PI}/*/capture` });
    till.faults({ kind, method: "POST", path: "/v1/checkout/sessions" }, { kind, method: "POST", path: "/v1/refunds" });
    till.faults({ kind, method: "GET", path: `${PI}/*` });

    const { orderId, payment } = await till.buy();
    expect(payment.action.type).toBe("confirm_payment_intent");
    await till.pay(payment);
    const { status, payments } = await till.when(orderId, is("captured"), 100_000);
    expect(status).toBe("open");
    expect(payments[0].operations).toMatchObject([{ kind: "capture", status: "succeeded" }]);

    const refund = await till.ask("refunds", orderId, { amount: 2_500 });
    expect(refund.status).toBe(200);
    const refunded = await till.when(orderId, is("partially_refunded"), 100_000);
    expect(refunded.payments[0].refunded.amount).toBe(2_500);
    expect(till.refundsOf(till.intentOf(orderId).id)).toHaveLength(1);

    expect((await till.buy(onPage)).payment.action.type).toBe("redirect");
    expect(till.stripe.requests().filter(({ account, fault }) => account === till.account && fault)).toHaveLength(5);
    await till.rest();
    expect(await breaches(till)).toEqual([]);
  });

  test("nothing, for a while: each request says so, and a retry with its key goes on", async () => {
    const till = await Till.open(host());
    const { orderId } = await till.sell();
    await till.when(orderId, is("captured"));
    const outage = { kind: "unavailable", account: till.account } as const;
    till.stripe.chaos.faults.push(outage);

    const [completing, refunding] = [randomUUID(), randomUUID()];
    const { cart } = await cartOf(till.tenant);
    const [first, refund] = await Promise.all([
      cart.complete(completing, byCard),
      till.ask("refunds", orderId, { amount: 1_000 }, refunding),
    ]);
    expect([first.status, first.body.code]).toEqual([503, "payment.provider_unreachable"]);
    expect(first.headers.get("retry-after")).toBe("2");
    expect(refund.status).toBe(200);
    const { operations, refunded } = refund.body.payments[0];
    expect([operations.at(-1).status, refunded.amount]).toEqual(["pending", 0]);
    const more = await till.ask("refunds", orderId, { amount: 9_500 });
    expect([more.body.code, more.body.left]).toEqual(["payment.refund_exceeds", 9_000]);

    till.stripe.chaos.faults = till.stripe.chaos.faults.filter((one) => one !== outage);
    const second = await cart.complete(completing, byCard);
    expect(second.status).toBe(200);
    await till.pay(second.body.payment);
    await till.when(second.body.order.id, is("captured"));
    const same = await till.ask("refunds", orderId, { amount: 1_000 }, refunding);
    expect(same.text).toBe(refund.text);
    await till.age(2);
    await till.host.runSchedule("relay");
    await till.when(orderId, is("partially_refunded"));
    await till.rest();
    expect(await breaches(till)).toEqual([]);
  });
});

test("500 without an effect: nobody guesses, and it can be wanted again when its key is forgotten", async () => {
  const till = await Till.open(host());
  const { orderId, intent } = await till.sell();
  await till.when(orderId, is("captured"));
  till.faults({ kind: "error_before", method: "POST", path: "/v1/refunds" });
  const { status, body } = await till.ask("refunds", orderId, {});
  expect([status, body.payments[0].operations[1].status]).toEqual([200, "pending"]);
  await till.age(24 * 60);
  await till.sweep();
  const [payment] = (await till.order(orderId)).payments;
  expect(payment.operations[1]).toMatchObject({ status: "failed", error: expect.stringMatching(/^operation_expired/) });
  expect(till.refundsOf(intent.id)).toEqual([]);
  expect((await till.ask("refunds", orderId, {})).body.paymentStatus).toBe("refunded");
  await till.rest();
  expect(await breaches(till)).toEqual([]);
});
