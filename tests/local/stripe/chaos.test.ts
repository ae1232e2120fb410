import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { calm, clock, connected, delivered, failure, pay, receiver, standIn, start, stripe } from "./stand-in.js";

const control = async (name: string, input?: object) => {
  const init = input && { method: "POST", body: JSON.stringify(input) };
  const response = await fetch(`${standIn.url}/_control${name}`, init);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const charges = () => standIn.objects("charge").length;

describe("a request", () => {
  test.for([
    ["unavailable", 503, "StripeAPIError"],
    ["rate_limit", 429, "StripeRateLimitError"],
    ["lock_timeout", 429, "StripeRateLimitError"],
    ["conflict", 409, "StripeAPIError"],
    ["error_before", 500, "StripeAPIError"],
  ] as const)("meets %s and has no effect", async ([kind, statusCode, type]) => {
    standIn.chaos.faults = [{ kind, next: 1, method: "POST" }];
    expect(await failure(pay())).toMatchObject({ statusCode, type });
    expect(charges()).toBe(0);
    expect((await pay()).status).toBe("succeeded");
  });

  test.for([
    ["hang_before", 0],
    ["hang_after", 1],
  ] as const)("meets %s: no answer, whatever happened", async ([kind, effect]) => {
    standIn.chaos.faults = [{ kind, path: "/v1/payment_intents" }];
    expect(await failure(pay("pm_card_visa", {}, { timeout: 200, idempotencyKey: "k" }))).toMatchObject({
      type: "StripeConnectionError",
    });
    expect(charges()).toBe(effect);
    standIn.chaos.faults = [];
    expect((await pay("pm_card_visa", {}, { idempotencyKey: "k" })).status).toBe("succeeded");
    expect(charges()).toBe(1);
  });

  test("meets cuts twice, so that the SDK gives up; asking tells what became of it", async () => {
    standIn.chaos.faults = [{ kind: "cut_after", next: 2, method: "POST", path: "/v1/payment_intents" }];
    const order = { metadata: { order: "1" } };
    expect(await failure(pay("pm_card_visa", order, { idempotencyKey: "k" }))).toMatchObject({
      type: "StripeConnectionError",
    });
    const [found] = (await stripe.paymentIntents.list({})).data;
    expect(found).toMatchObject({ status: "succeeded", metadata: { order: "1" } });
    standIn.chaos.faults = [{ kind: "cut_before", next: 2 }];
    await failure(pay());
    expect(charges()).toBe(1);
  });

  test("is chosen by path and account; shares come out the same with the same seed", async () => {
    const { id } = await connected();
    standIn.chaos.faults = [{ kind: "unavailable", path: "/v1/payment_intents/*/capture", account: id }];
    expect((await pay("pm_card_visa", {}, { stripeAccount: id })).status).toBe("succeeded");
    const capture = (stripeAccount?: string) =>
      failure(stripe.paymentIntents.capture("pi_x", {}, stripeAccount ? { stripeAccount } : {}));
    expect([await capture(id), await capture()].map(({ statusCode }) => statusCode)).toEqual([503, 404]);
    standIn.chaos.faults = [{ kind: "unavailable", share: 0.5 }];
    const run = async () => {
      standIn.chaos.seed = 7;
      const results = await Promise.allSettled(Array.from({ length: 20 }, () => stripe.refunds.list({})));
      return results.filter(({ status }) => status === "fulfilled").length;
    };
    const first = await run();
    expect(first).toBeGreaterThan(2);
    expect(first).toBeLessThan(18);
    expect(await run()).toBe(first);
  });

  test("is declined by the bank as often as a test wishes", async () => {
    standIn.chaos.decline = { code: "lost_card", next: 1, share: 0 };
    expect(await failure(pay())).toMatchObject({ code: "card_declined", decline_code: "lost_card" });
    expect((await pay()).status).toBe("succeeded");
  });
});

describe("/_control", () => {
  test("another site's page reaches none of it, by a name of its own, by a form or by a script", async () => {
    const statusFor = (method: string, headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        const sent = request(`${standIn.url}/_control/settle`, { method, headers }, (answer) => {
          resolve(answer.resume().statusCode);
        });
        sent.on("error", reject).end();
      });
    for (const method of ["GET", "POST"]) {
      expect(await statusFor(method, { host: "evil.test" })).toBe(403);
      expect(await statusFor(method, { origin: "https://evil.test" })).toBe(403);
      expect(await statusFor(method, { origin: standIn.url })).not.toBe(403);
    }
  });

  test("does all of that for tests of another process", async () => {
    await control("/chaos", { faults: [{ kind: "rate_limit", next: 1 }], webhooks: { hold: true }, latencyMs: 5 });
    expect(await failure(pay())).toMatchObject({ statusCode: 429 });
    const paid = await pay();
    const disputed = await control("/open_dispute", { charge: paid.latest_charge });
    expect(disputed.body).toMatchObject({ object: "dispute", status: "needs_response" });
    expect((await control("/release", { order: "reversed" })).body.released).toBeGreaterThan(4);
    expect((await control("/settle", {})).body.failed).toBe(0);
    expect((await control("")).body).toMatchObject({
      objects: { charge: 1, dispute: 1 },
      chaos: { latencyMs: 5, webhooks: { hold: true }, faults: [] },
    });
    const requests = (await control("/requests")).body as unknown as { params: object; fault?: string }[];
    expect(requests.at(-1)).toMatchObject({ method: "POST", path: "/v1/payment_intents", params: { amount: "10000" } });
    expect((await control("/objects?type=charge")).body).toMatchObject([{ disputed: true }]);
    expect((await control("/chaos", { reset: true })).body).toMatchObject({ latencyMs: 0, webhooks: { hold: false } });
    const endpoints = [{ url: receiver.url, secrets: ["x"], connect: false }];
    expect((await control("/endpoints", { endpoints })).body).toEqual(endpoints);
  });

  test("tells what it does not know", async () => {
    expect((await control("/nonsense", {})).status).toBe(404);
    expect((await control("/chaos", { webhooks: { explode: true } })).status).toBe(400);
    expect((await control("/open_dispute", { charge: "ch_gone" })).status).toBe(404);
  });
});

describe("what Stripe knows", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "stripe-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  test("outlives the host: objects, keys, what was to happen, and events that nobody took", async () => {
    const file = join(dir, "stripe.jsonl");
    const restart = async () => {
      await standIn.stop();
      await start({ file });
    };
    await restart();
    const { id: account } = await connected();
    const options = { stripeAccount: account, idempotencyKey: "k" };
    const paid = await pay("pm_card_refundFail", {}, options);
    await calm();
    receiver.status = 503;
    const refund = await stripe.refunds.create({ payment_intent: paid.id }, { stripeAccount: account });
    await calm();
    await restart();
    receiver.status = 200;
    delivered.length = 0;
    expect((await pay("pm_card_refundFail", {}, options)).id).toBe(paid.id);
    expect((await stripe.refunds.list({ payment_intent: paid.id }, { stripeAccount: account })).data).toHaveLength(1);
    await clock.advance(60_000);
    await calm();
    expect(await stripe.refunds.retrieve(refund.id, {}, { stripeAccount: account })).toMatchObject({
      status: "failed",
    });
    expect(delivered.map(({ body }) => JSON.parse(body).type)).toEqual(
      expect.arrayContaining(["refund.created", "charge.refunded", "refund.failed"]),
    );
    await restart();
    expect(standIn.objects("refund", account)).toMatchObject([{ status: "failed" }]);
  });
});
