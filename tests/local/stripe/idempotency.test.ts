import { expect, test } from "vitest";
import { cardPayment, client, clock, connected, failure, pay, standIn, stripe } from "./stand-in.js";

const hours = 3_600_000;

test("a key is answered once; what it is asked again gets the same answer, and says so", async () => {
  const first = await pay("pm_card_visa", {}, { idempotencyKey: "k" });
  const again = await pay("pm_card_visa", {}, { idempotencyKey: "k" });
  expect(again.id).toBe(first.id);
  expect(again.lastResponse.headers).toMatchObject({
    "idempotent-replayed": "true",
    "idempotency-key": "k",
    "original-request": first.lastResponse.requestId,
  });
  expect(first.lastResponse.headers["idempotent-replayed"]).toBeUndefined();
  expect(standIn.objects("payment_intent")).toHaveLength(1);
});

test("a decline is remembered like a success", async () => {
  const decline = () => failure(pay("pm_card_chargeDeclined", {}, { idempotencyKey: "k" }));
  const [first, again] = [await decline(), await decline()];
  expect(first).toMatchObject({ type: "StripeCardError", statusCode: 402, code: "card_declined" });
  expect(again.charge).toBe(first.charge);
  expect(again.headers?.["idempotent-replayed"]).toBe("true");
  expect(standIn.objects("charge")).toHaveLength(1);
});

test("another request under the same key is refused", async () => {
  const first = await pay("pm_card_visa", {}, { idempotencyKey: "k" });
  expect(await failure(pay("pm_card_visa", { amount: 10_001 }, { idempotencyKey: "k" }))).toMatchObject({
    type: "StripeIdempotencyError",
    statusCode: 400,
    rawType: "idempotency_error",
  });
  const other = stripe.refunds.create({ payment_intent: first.id }, { idempotencyKey: "k" });
  expect(await failure(other)).toMatchObject({ type: "StripeIdempotencyError" });
});

test("keys belong to the account in whose name the request is", async () => {
  const [one, two] = [await connected(), await connected()];
  const [a, b, c] = await Promise.all(
    [{ stripeAccount: one.id }, { stripeAccount: two.id }, {}].map((options) =>
      pay("pm_card_visa", {}, { idempotencyKey: "k", ...options }),
    ),
  );
  expect(new Set([a?.id, b?.id, c?.id]).size).toBe(3);
});

test("while the first request runs, the second is told so; both at once take the money once", async () => {
  standIn.chaos.latencyMs = 250;
  const results = await Promise.allSettled(
    Array.from({ length: 5 }, () => pay("pm_card_visa", {}, { idempotencyKey: "k" })),
  );
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  const refusals = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
  for (const reason of refusals)
    expect(reason).toMatchObject({ statusCode: 409, code: "idempotency_key_in_use", rawType: "idempotency_error" });
  expect(standIn.objects("charge")).toHaveLength(1);
  expect((await pay("pm_card_visa", {}, { idempotencyKey: "k" })).status).toBe("succeeded");
});

test("a key is forgotten after a day of the clock", async () => {
  const first = await pay("pm_card_visa", {}, { idempotencyKey: "k" });
  await clock.advance(23 * hours);
  expect((await pay("pm_card_visa", {}, { idempotencyKey: "k" })).id).toBe(first.id);
  await clock.advance(hours);
  expect((await pay("pm_card_visa", {}, { idempotencyKey: "k" })).id).not.toBe(first.id);
});

test("what was refused before anything ran leaves the key free", async () => {
  const wrong = pay("pm_card_visa", { nonsense: 1 }, { idempotencyKey: "k" });
  expect(await failure(wrong)).toMatchObject({ code: "parameter_unknown", param: "nonsense" });
  standIn.chaos.faults = [{ kind: "rate_limit", next: 1 }];
  expect(await failure(pay("pm_card_visa", {}, { idempotencyKey: "k" }))).toMatchObject({ statusCode: 429 });
  expect((await pay("pm_card_visa", {}, { idempotencyKey: "k" })).status).toBe("succeeded");
});

test.for(["error_before", "error_after"] as const)("a 500 is remembered too: %s", async (kind) => {
  standIn.chaos.faults = [{ kind, next: 1, path: "/v1/payment_intents" }];
  for (let attempt = 0; attempt < 3; attempt++)
    expect(await failure(pay("pm_card_visa", {}, { idempotencyKey: "k" }))).toMatchObject({
      type: "StripeAPIError",
      statusCode: 500,
      headers: { "stripe-should-retry": "false" },
    });
  expect(standIn.objects("payment_intent")).toHaveLength(kind === "error_after" ? 1 : 0);
});

test("keys have up to 255 characters, and none are for reading", async () => {
  expect(await failure(pay("pm_card_visa", {}, { idempotencyKey: "x".repeat(256) }))).toMatchObject({
    statusCode: 400,
  });
  await pay("pm_card_visa", {}, { idempotencyKey: "x".repeat(255) });
  const before = await stripe.paymentIntents.list({}, { idempotencyKey: "list" });
  await pay();
  const after = await stripe.paymentIntents.list({}, { idempotencyKey: "list" });
  expect([before.data.length, after.data.length]).toEqual([1, 2]);
});

test("the SDK's own retry after a cut connection finds the answer of the first attempt", async () => {
  standIn.chaos.faults = [{ kind: "cut_after", next: 1, method: "POST", path: "/v1/payment_intents" }];
  const paid = await client().paymentIntents.create(cardPayment("pm_card_visa"));
  expect(paid.status).toBe("succeeded");
  expect(standIn.objects("charge")).toHaveLength(1);
  expect(standIn.requests().map(({ status, fault, replayed }) => [status, fault, replayed])).toEqual([
    [0, "cut_after", undefined],
    [200, undefined, true],
  ]);
});
