import { describe, expect, test } from "vitest";
import { OutcomeUnknown } from "../../core/kernel/error.js";
import type { Attempt, Operation } from "../../core/payment/provider.js";
import { openIntent } from "../../core/payment/stripe/attempt.js";
import { operateAtStripe } from "../../core/payment/stripe/operation.js";
import { snapshotOf } from "../../core/payment/stripe/snapshot.js";
import { withDeadline } from "../../core/stripe/client.js";
import { merchant } from "./merchant.js";

const shop = merchant();

/** An attempt that is paid as far as its means go. */
async function paid(more: Partial<Attempt> = {}, { method = "pm_card_visa", parts = false } = {}): Promise<Attempt> {
  const attempt = shop.attempt(more);
  const { reference } = await openIntent(shop.place, attempt, parts);
  await shop.confirm(String(reference), method);
  shop.standIn.forgetRequests();
  return { ...attempt, reference };
}
const does = (attempt: Attempt, operation: Operation) => operateAtStripe(shop.place, attempt, operation);
const seen = (attempt: Attempt) => snapshotOf(shop.place, attempt);
const capture = (amount: number, more = {}) => shop.operation("capture", amount, more);
const refund = (amount: number, more = {}) => shop.operation("refund", amount, more);
const release = () => shop.operation("void", 0);
const refundsOf = ({ reference }: Attempt) =>
  shop.standIn.objects("refund", shop.account).filter((one) => one.payment_intent === reference);
const feesOf = ({ reference }: Attempt) => {
  const [charge] = shop.standIn.objects("charge", shop.account).filter((one) => one.payment_intent === reference);
  return shop.standIn.objects("application_fee", null).filter((one) => one.charge === charge?.id);
};
/** What is left of an operation when its key is forgotten. */
const old = { createdAt: new Date(Date.now() - 23.5 * 3_600_000).toISOString() };

/** The operation happens, and its answer is lost in each of these ways. */
const losses = ["cut_after", "error_after", "cut_before", "conflict", "lock_timeout", "unavailable"];
/** Nothing happens, and the key stands for the error from then on. */
const stuck = "error_before";

describe("capture", () => {
  test.each(losses)("happens once when the first answer is %s", async (kind) => {
    const attempt = await paid();
    const operation = capture(10_000);
    shop.faults({ kind, method: "POST", path: "/v1/payment_intents/*/capture" });
    expect(await withDeadline(9_000, () => does(attempt, operation))).toMatchObject({ status: "succeeded" });
    expect(await does(attempt, operation)).toMatchObject({ status: "succeeded" });
    expect(await seen(attempt)).toMatchObject({ status: "captured", authorized: 10_000, captured: 10_000, fee: 200 });
    for (const { idempotencyKey } of shop.asked("POST", /capture$/)) expect(idempotencyKey).toBe(operation.id);
  });

  test("is undecided while its key stands for an error, and nothing is guessed", async () => {
    const attempt = await paid();
    shop.faults({ kind: stuck, method: "POST", path: "/v1/payment_intents/*/capture" });
    await expect(does(attempt, capture(10_000))).rejects.toBeInstanceOf(OutcomeUnknown);
    expect(await seen(attempt)).toMatchObject({ status: "authorized", captured: 0 });
  });

  test("of a part takes its share of the fee, and lets the rest go", async () => {
    const attempt = await paid();
    expect(await does(attempt, capture(3_333, { final: false }))).toMatchObject({ status: "succeeded" });
    const snapshot = await seen(attempt);
    expect(snapshot).toMatchObject({ status: "captured", authorized: 10_000, captured: 3_333, refunds: [], fee: 66 });
    expect(feesOf(attempt).map(({ amount }) => amount)).toEqual([66]);
    expect(await does(attempt, capture(6_667))).toMatchObject({
      status: "failed",
      code: "payment_intent_unexpected_state",
    });
  });

  test("in parts, where the card has them, goes on until the last one", async () => {
    const attempt = await paid({ fee: 0 }, { parts: true });
    const [first, second] = [capture(3_000, { final: false }), capture(3_000, { final: false })];
    expect(await does(attempt, first)).toMatchObject({ status: "succeeded" });
    expect(await seen(attempt)).toMatchObject({ status: "authorized", authorized: 10_000, captured: 3_000 });
    shop.faults({ kind: "cut_after", method: "POST", path: "/v1/payment_intents/*/capture" });
    expect(await does(attempt, second)).toMatchObject({ status: "succeeded" });
    for (const one of [first, second]) expect(await does(attempt, one)).toMatchObject({ status: "succeeded" });
    expect(await seen(attempt)).toMatchObject({ captured: 6_000 });
    expect(await does(attempt, capture(4_000))).toMatchObject({ status: "succeeded" });
    expect(await seen(attempt)).toMatchObject({ status: "captured", captured: 10_000 });
  });

  test("older than its key is looked for and never asked for again", async () => {
    const [done, never] = [await paid(), await paid()];
    const operation = capture(10_000);
    await does(done, operation);
    shop.standIn.forgetRequests();
    expect(await does(done, { ...operation, ...old })).toMatchObject({ status: "succeeded" });
    expect(await does(never, capture(10_000, old))).toMatchObject({ status: "failed", code: "operation_expired" });
    expect(shop.asked("POST", /./)).toEqual([]);
  });

  test("after the shopper's bank has let it go says so", async () => {
    const attempt = await paid();
    expect(await does(attempt, release())).toMatchObject({ status: "succeeded" });
    expect(await does(attempt, capture(10_000))).toMatchObject({ status: "failed" });
    expect(await does({ ...attempt, ...shop.attempt() }, capture(1))).toMatchObject({ code: "payment_unknown" });
  });
});

describe("refund", () => {
  const captured = async (more: Partial<Attempt> = {}) => {
    const attempt = await paid(more);
    await does(attempt, capture(attempt.amount));
    shop.standIn.forgetRequests();
    return attempt;
  };

  test.each(losses)("happens once when the first answer is %s, and the fee goes back with it", async (kind) => {
    const attempt = await captured();
    const operation = refund(2_500);
    shop.faults({ kind, method: "POST", path: "/v1/refunds" });
    const outcome = await withDeadline(9_000, () => does(attempt, operation));
    expect(await does(attempt, operation)).toEqual(outcome);
    const [one, ...others] = refundsOf(attempt);
    expect(others).toEqual([]);
    expect(outcome).toEqual({ status: "succeeded", reference: one?.id });
    expect(await seen(attempt)).toMatchObject({
      captured: 10_000,
      refunds: [{ reference: one?.id, amount: 2_500, status: "succeeded", operationId: operation.id }],
      fee: 200,
      feeReturned: 50,
    });
    for (const { idempotencyKey } of shop.asked("POST", /refunds$/)) expect(idempotencyKey).toBe(operation.id);
  });

  test("of all that is left, and of more than that", async () => {
    const attempt = await captured();
    await does(attempt, refund(2_500));
    expect(await does(attempt, refund(7_501))).toMatchObject({ status: "failed" });
    expect(await does(attempt, refund(0))).toMatchObject({ status: "succeeded" });
    expect((await seen(attempt))?.refunds.map(({ amount }) => amount).sort()).toEqual([2_500, 7_500]);
    expect(await does(attempt, refund(1))).toMatchObject({ status: "failed", code: "charge_already_refunded" });
    expect(feesOf(attempt)[0]).toMatchObject({ amount: 200, amount_refunded: 200 });
  });

  test("is undecided while its key stands for an error, and found by listing when it was made", async () => {
    const attempt = await captured();
    shop.faults({ kind: stuck, method: "POST", path: "/v1/refunds" });
    const operation = refund(1_000);
    await expect(does(attempt, operation)).rejects.toBeInstanceOf(OutcomeUnknown);
    expect(refundsOf(attempt)).toEqual([]);
    const made = refund(1_000);
    await does(attempt, made);
    shop.standIn.forgetRequests();
    expect(await does(attempt, { ...made, ...old })).toMatchObject({ status: "succeeded" });
    expect(await does(attempt, { ...operation, ...old })).toMatchObject({ code: "operation_expired" });
    expect(shop.asked("POST", /./)).toEqual([]);
  });

  test("that the bank sends back has failed; what is made in Stripe's dashboard is nobody's operation", async () => {
    const attempt = await captured();
    const operation = refund(1_000);
    await does(attempt, operation);
    const [own] = refundsOf(attempt);
    shop.standIn.failRefund(own?.id ?? "", shop.account);
    const params = { payment_intent: attempt.reference ?? "", amount: 700 };
    await shop.sdk.refunds.create(params, { ...shop.at, idempotencyKey: "dashboard" });
    const refunds = (await seen(attempt))?.refunds;
    const lost = { status: "failed", failure: "lost_or_stolen_card" };
    expect(refunds).toContainEqual({ reference: own?.id, amount: 1_000, ...lost, operationId: operation.id });
    expect(refunds).toContainEqual(expect.objectContaining({ amount: 700, status: "succeeded", operationId: null }));
  });

  test("of a card whose refunds take their time is pending first", async () => {
    const attempt = await paid({}, { method: "pm_card_pendingRefund" });
    await does(attempt, capture(10_000));
    expect(await does(attempt, refund(1_000))).toMatchObject({ status: "pending" });
    expect((await seen(attempt))?.refunds).toMatchObject([{ status: "pending", amount: 1_000 }]);
  });

  test("more than a page of them are all seen", async () => {
    const attempt = await captured({ fee: 0 });
    for (let n = 0; n < 12; n += 1) await does(attempt, refund(100));
    expect((await seen(attempt))?.refunds).toHaveLength(12);
  });
});

describe("void", () => {
  test.each(losses)("lets an authorisation go once when the first answer is %s", async (kind) => {
    const attempt = await paid();
    shop.faults({ kind, method: "POST", path: "/v1/payment_intents/*/cancel" });
    const operation = release();
    expect(await withDeadline(9_000, () => does(attempt, operation))).toMatchObject({ status: "succeeded" });
    expect(await does(attempt, operation)).toMatchObject({ status: "succeeded" });
    expect(await seen(attempt)).toMatchObject({ status: "voided", authorized: 10_000, captured: 0, refunds: [] });
  });

  test("takes nothing back that was captured, and lets the rest of parts go", async () => {
    const whole = await paid();
    await does(whole, capture(10_000));
    expect(await does(whole, release())).toMatchObject({ status: "failed", code: "payment_intent_unexpected_state" });
    const parts = await paid({ fee: 0 }, { parts: true });
    await does(parts, capture(4_000, { final: false }));
    expect(await does(parts, release())).toMatchObject({ status: "succeeded" });
    expect(await seen(parts)).toMatchObject({ status: "captured", captured: 4_000, refunds: [] });
  });
});

describe("what the shopper did is seen:", () => {
  test("cards that were refused, each once, and the one that was not", async () => {
    const attempt = shop.attempt();
    const { reference } = await openIntent(shop.place, attempt, false);
    for (const card of ["pm_card_chargeDeclined", "pm_card_chargeDeclinedInsufficientFunds"]) {
      await shop.confirm(String(reference), card).catch(() => undefined);
    }
    const snapshot = await seen({ ...attempt, reference });
    expect(snapshot).toMatchObject({ status: "waiting", authorized: 0, captured: 0 });
    expect(snapshot?.failures.map(({ code }) => code)).toEqual(["generic_decline", "insufficient_funds"]);
    await shop.confirm(String(reference));
    expect(await seen({ ...attempt, reference })).toMatchObject({ status: "authorized", authorized: 10_000 });
  });

  test("the bank asks who is there, and is answered", async () => {
    const attempt = await paid({}, { method: "pm_card_authenticationRequired" });
    expect(await seen(attempt)).toMatchObject({ status: "action_required", authorized: 0 });
    shop.standIn.authenticate(attempt.reference ?? "", "fail", shop.account);
    const failed = await seen(attempt);
    expect(failed).toMatchObject({ status: "waiting" });
    expect(failed?.failures).toMatchObject([{ code: "payment_intent_authentication_failure" }]);
  });
});
