import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { FaultKind } from "../../stacks/local/stripe/engine/chaos.js";
import type { FunctionName } from "../../stacks/topology.js";
import { letPass } from "../messages/system.js";
import type { Answer, Body } from "../support/client.js";
import { paymentSuite } from "../support/payment-suite.js";
import { size } from "../support/size.js";
import { byCard, cartOf } from "../support/stripe.js";

const till = paymentSuite({ timeout: 120_000 + size.paymentKills * 10_000, end: "quiet" });
// Before the suite looks: visibility timeouts and leases of killed processes run out.
afterEach(async () => {
  till.calm();
  await letPass(till.host, 7);
});

const PI = "/v1/payment_intents";
const isPaid = ({ paymentStatus }: Body) => paymentStatus === "captured";
/** Before Stripe has done anything, or after it has done everything: in both cases nobody will hear of it. */
const moments: FaultKind[] = ["hang_before", "hang_after"];

/** Kills whoever waits for Stripe's answer to this request. */
async function killDuring(name: FunctionName, path: RegExp, run: () => Promise<unknown>): Promise<void> {
  const before = till.asked("POST", path).length;
  const running = run().catch(() => undefined);
  await vi.waitUntil(() => till.asked("POST", path).length > before, { timeout: 60_000, interval: 5 });
  await sleep(20);
  const busy = till.host.pools[name].environments().filter((one) => one.busy);
  expect(busy.length).toBeGreaterThan(0);
  for (const { pid } of busy) process.kill(pid, "SIGKILL");
  await running;
}
const lease = () =>
  till.query("update idempotency_key set updated_at = updated_at - interval '31 seconds' where tenant_id = $1");

describe.each(moments)("killed while Stripe is asked (%s)", (kind) => {
  test("to open a payment: a retry waits for the lease and goes on with the same", async () => {
    const { cart } = await cartOf(till.tenant);
    const key = randomUUID();
    till.faults({ kind, method: "POST", path: PI });
    await killDuring("api", /payment_intents$/, () => cart.complete(key, byCard));
    expect((await cart.complete(key, byCard)).body.code).toBe("idempotency_key_in_flight");
    await lease();
    const { status, body } = await cart.complete(key, byCard);
    expect([status, body.order.status]).toEqual([200, "pending"]);
    await till.pay(body.payment);
    await till.when(body.order.id, isPaid);
    expect(till.intentsOf(body.order.id)).toHaveLength(1);
    expect((await cart.complete(key, byCard)).body).toEqual(body);
  });

  test("to open a payment, and nobody comes back: it is given up in its time", async () => {
    const { cart, variantId } = await cartOf(till.tenant);
    till.faults({ kind, method: "POST", path: PI });
    await killDuring("api", /payment_intents$/, () => cart.complete(randomUUID(), byCard));
    await till.age(46);
    await till.sweep();
    const { body } = await cart.complete(randomUUID(), byCard);
    expect(body.order.status).toBe("cancelled");
    const { data } = await till.tenant.get(`/v1/admin/inventory?variantId=${variantId}`);
    expect(data[0]).toMatchObject({ onHand: 1, reserved: 0 });
  });

  test("to capture: somebody else does it, once", async () => {
    const { orderId, payment } = await till.buy();
    till.faults({ kind, method: "POST", path: `${PI}/*/capture` });
    await killDuring("jobs", /capture$/, () => till.pay(payment));
    await letPass(till.host, 7);
    await till.when(orderId, isPaid);
    expect(till.intentOf(orderId).amount_received).toBe(10_000);
  });

  test("to refund: a retry with its key finds its own, and so does the job without one", async () => {
    const { orderId, intent } = await till.sell();
    await till.when(orderId, isPaid);
    const key = randomUUID();
    till.faults({ kind, method: "POST", path: "/v1/refunds" });
    await killDuring("api", /refunds$/, () => till.ask("refunds", orderId, { amount: 4_000 }, key));
    await lease();
    const retried = await till.ask("refunds", orderId, { amount: 4_000 }, key);
    expect([retried.status, retried.body.payments[0].refunded.amount]).toEqual([200, 4_000]);
    till.faults({ kind, method: "POST", path: "/v1/refunds" });
    await killDuring("api", /refunds$/, () => till.ask("refunds", orderId, { amount: 1_000 }));
    await till.quiet();
    expect((await till.order(orderId)).payments[0].refunded.amount).toBe(5_000);
    expect(till.refundsOf(intent.id)).toHaveLength(2);
  });
});

const victims = ["api", "jobs", "stripe", "backend", "relay", "events"] as const;
async function kill(victim: (typeof victims)[number]): Promise<boolean> {
  if (victim === "backend") {
    const ended = await till.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where $1::uuid is not null and usename = 'stoa_app'
        order by state = 'idle', random() limit 1`,
    );
    return ended.length > 0;
  }
  for (let patience = 200; patience > 0; patience--) {
    const chosen = till.host.pools[victim].environments().find(({ busy }) => busy);
    if (chosen) return process.kill(chosen.pid, "SIGKILL");
    await sleep(5);
  }
  return false;
}

/** Asks with the same key until the answer is final. */
async function insist(ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    const answer = await ask().catch(() => undefined);
    if (answer && answer.status < 500 && answer.body?.code !== "idempotency_key_in_flight") return answer;
    if (answer?.body?.code === "idempotency_key_in_flight") await lease();
    await sleep(50);
  }
}

test("killed anywhere, any number of times: who paid has an order, and was charged once", async () => {
  let going = true;
  const paid: string[] = [];
  const kills: Record<string, number> = {};
  const shopper = async () => {
    while (going) {
      const made = await cartOf(till.tenant).catch(() => undefined);
      if (!made) continue;
      const key = randomUUID();
      const { status, body } = await insist(() => made.cart.complete(key, byCard));
      expect(status).toBe(200);
      await till.pay(body.payment);
      paid.push(body.order.id);
    }
  };
  const killer = async () => {
    for (let count = 0; count < size.paymentKills; count++) {
      await sleep(100 + Math.random() * 300);
      const victim = victims[count % victims.length] ?? "api";
      if (await kill(victim)) kills[victim] = (kills[victim] ?? 0) + 1;
    }
    going = false;
  };
  await Promise.all([killer(), shopper(), shopper(), shopper()]);
  expect(Object.keys(kills).length).toBeGreaterThan(3);
  // Leases, visibility timeouts, and the next attempts of webhooks that met nobody.
  await letPass(till.host, 10);
  await till.quiet();
  await till.age(90);
  await till.sweep();
  await till.quiet();
  const orders = await Promise.all(paid.map((id) => till.order(id)));
  expect(new Set(orders.map(({ status, paymentStatus }) => `${status} ${paymentStatus}`))).toEqual(
    new Set(["open captured"]),
  );
  for (const id of paid) expect(till.intentsOf(id).map(({ amount_received }) => amount_received)).toEqual([10_000]);
});
