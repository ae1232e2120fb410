import { describe, expect, test } from "vitest";
import { OutcomeUnknown } from "../../core/kernel/error.js";
import type { Attempt, Operation } from "../../core/payment/provider.js";
import { operateAtStripe } from "../../core/payment/stripe/operation.js";
import { snapshotOf } from "../../core/payment/stripe/snapshot.js";
import type { StripeAccount } from "../../core/stripe/call.js";

/** Answers of Stripe's that the stand-in does not give, and the requests that follow them. */

const now = () => new Date().toISOString();
const attempt = (more: Partial<Attempt> = {}) =>
  ({
    ...{ id: "pay_1", orderId: "ord_1", amount: 10_000, currency: "EUR", method: "payment_intent", fee: 200 },
    ...{ reference: "pi_1", session: null, createdAt: now() },
    ...more,
  }) as Attempt;
const operation = (kind: Operation["kind"], amount: number, more: Partial<Operation> = {}): Operation => ({
  ...{ id: "pop_1", kind, amount, final: true, createdAt: now() },
  ...more,
});
const charge = {
  id: "ch_1",
  status: "succeeded",
  amount: 10_000,
  application_fee_amount: 200,
  application_fee: "fee_1",
};
const intent = (more: object = {}) => ({
  ...{ id: "pi_1", status: "succeeded", amount: 10_000, amount_received: 10_000, currency: "eur", metadata: {} },
  ...{ latest_charge: charge, last_payment_error: null },
  ...more,
});

/** A client that answers with these objects, and the parameters that it got. */
function client(
  seen: object,
  answers: { refund?: object; capture?: object; refunds?: object[]; fees?: object[]; charges?: object[] } = {},
) {
  const sent: [string, Record<string, unknown>][] = [];
  const answer = (name: string, value: unknown) => async (params: unknown, more?: unknown) => {
    sent.push([name, (typeof params === "string" ? more : params) as Record<string, unknown>]);
    return value;
  };
  const list =
    (data: object[] = []) =>
    async () => ({ data, has_more: false });
  const stripe = {
    paymentIntents: {
      retrieve: async () => seen,
      list: list(),
      capture: answer("capture", answers.capture ?? seen),
      cancel: answer("cancel", seen),
    },
    refunds: {
      create: answer("refund", answers.refund ?? { id: "re_1", status: "succeeded" }),
      list: list(answers.refunds),
    },
    charges: { list: list(answers.charges) },
    checkout: { sessions: { retrieve: async () => ({ id: "cs_1", status: "expired", payment_intent: seen }) } },
    applicationFees: { list: list(answers.fees) },
  };
  return { place: { stripe, options: { stripeAccount: "acct_1" } } as unknown as StripeAccount, sent };
}

describe("a refund", () => {
  const refund = (seen: object, more: Partial<Operation> = {}, answer?: object) => {
    const { place, sent } = client(seen, answer && { refund: answer });
    return { outcome: operateAtStripe(place, attempt(), operation("refund", 1_000, more)), sent };
  };

  test("waits until Stripe has recorded the fee, for ten minutes; then it returns none", async () => {
    const unrecorded = intent({ latest_charge: { ...charge, application_fee: null } });
    await expect(refund(unrecorded).outcome).rejects.toBeInstanceOf(OutcomeUnknown);
    const { outcome, sent } = refund(unrecorded, { createdAt: new Date(Date.now() - 11 * 60_000).toISOString() });
    expect(await outcome).toMatchObject({ status: "succeeded" });
    expect(sent[0]?.[1].refund_application_fee).toBeUndefined();
  });

  test("returns no fee of a payment that was captured in parts", async () => {
    const { outcome, sent } = refund(intent({ metadata: { pop_8: "1", pop_9: "1" } }));
    await outcome;
    expect(sent[0]?.[1].refund_application_fee).toBeUndefined();
    const first = refund(intent({ status: "requires_capture", amount_received: 4_000, metadata: { pop_8: "1" } }));
    await first.outcome;
    expect(first.sent[0]?.[1].refund_application_fee).toBeUndefined();
    const whole = refund(intent());
    await whole.outcome;
    expect(whole.sent[0]?.[1]).toMatchObject({ refund_application_fee: true, amount: 1_000 });
  });

  test.each([
    ["succeeded", { status: "succeeded", reference: "re_1" }],
    ["pending", { status: "pending", reference: "re_1" }],
    ["requires_action", { status: "pending", reference: "re_1" }],
    ["failed", { status: "failed", code: "refund_failed" }],
    ["canceled", { status: "failed", code: "refund_failed" }],
  ])("that is %s", async (status, outcome) => {
    expect(await refund(intent(), {}, { id: "re_1", status }).outcome).toMatchObject(outcome);
  });
});

describe("a capture", () => {
  const card = (metadata = {}) =>
    intent({
      status: "requires_capture",
      amount_received: 0,
      metadata,
      latest_charge: { ...charge, payment_method_details: { card: { multicapture: { status: "available" } } } },
    });
  const capture = async (seen: object, more: Partial<Operation> = {}, answer = {}) => {
    const { place, sent } = client(seen, { capture: intent(answer) });
    const outcome = await operateAtStripe(place, attempt(), operation("capture", 10, { final: false, ...more }));
    return { outcome, params: sent[0]?.[1] };
  };

  test("keeps the rest where the card allows it, unless it is the last one or the metadata are full", async () => {
    const full = Object.fromEntries(Array.from({ length: 45 }, (_, at) => [`pop_${at}`, "1"]));
    expect((await capture(card())).params).toMatchObject({ final_capture: false, amount_to_capture: 10 });
    expect((await capture(card(), { final: true })).params?.final_capture).toBeUndefined();
    expect((await capture(card(full))).params?.final_capture).toBeUndefined();
    expect((await capture(intent())).params?.final_capture).toBeUndefined();
  });

  test("of a small part has a fee of one cent at least", async () => {
    expect((await capture(card())).params?.application_fee_amount).toBe(1);
  });

  test("that the bank processes is pending", async () => {
    expect((await capture(card(), {}, { status: "processing" })).outcome.status).toBe("pending");
  });
});

describe("a void", () => {
  const voided = async (seen: object | undefined) => {
    const { place, sent } = client(seen ?? {});
    const one = seen ? attempt() : attempt({ reference: null });
    return { outcome: await operateAtStripe(place, one, operation("void", 0)), sent };
  };

  test("of a payment that Stripe does not know is done; a capture of it is not", async () => {
    expect(await voided(undefined)).toMatchObject({ outcome: { status: "succeeded" }, sent: [] });
    const { place } = client({});
    const outcome = await operateAtStripe(place, attempt({ reference: null }), operation("capture", 1));
    expect(outcome).toMatchObject({ status: "failed", code: "payment_unknown" });
  });

  test.each([
    ["was canceled", { status: "canceled", amount_received: 0 }],
    ["was captured in part for the last time", { amount_received: 4_000 }],
  ])("of one that %s is done", async (_, more) => {
    expect(await voided(intent(more))).toMatchObject({ outcome: { status: "succeeded" }, sent: [] });
  });

  test("of the rest is a last capture of nothing, and of all is a cancellation under the operation's key", async () => {
    const rest = await voided(intent({ status: "requires_capture", amount_received: 4_000 }));
    expect(rest.sent).toMatchObject([["capture", { amount_to_capture: 0, final_capture: true }]]);
    const { place } = client(intent({ status: "requires_capture", amount_received: 0 }));
    const keys: unknown[] = [];
    const paymentIntents = {
      ...place.stripe.paymentIntents,
      cancel: async (...[, , options]: unknown[]) => {
        keys.push(options);
        return intent();
      },
    };
    const spied = { ...place, stripe: { ...place.stripe, paymentIntents } } as unknown as StripeAccount;
    await operateAtStripe(spied, attempt(), operation("void", 0));
    expect(keys).toEqual([{ stripeAccount: "acct_1", idempotencyKey: "pop_1" }]);
  });
});

describe("a snapshot", () => {
  const take = (seen: object, answers: Parameters<typeof client>[1] = {}) =>
    snapshotOf(client(seen, answers).place, attempt());
  const refunds = (...data: object[]) =>
    intent({
      latest_charge: { ...charge, refunds: { data: data.map((one) => ({ ...base, ...one })), has_more: false } },
    });
  const base = { id: "re_1", amount: 1_000, currency: "eur", status: "succeeded", balance_transaction: "txn_1" };

  test("tells refunds from the release of an authorization, and ours from the dashboard's", async () => {
    const ours = { id: "re_2", balance_transaction: null, metadata: { stoa_operation: "pop_1" } };
    const said = await take(refunds({}, ours, { id: "re_3", balance_transaction: null }));
    expect(said?.refunds.map(({ reference, operationId }) => [reference, operationId])).toEqual([
      ["re_1", null],
      ["re_2", "pop_1"],
    ]);
  });

  test.each([
    ["pending", "pending"],
    ["requires_action", "pending"],
    ["failed", "failed"],
    ["canceled", "failed"],
    ["a status of tomorrow", "pending"],
  ])("of a refund that is %s", async (status, said) => {
    expect((await take(refunds({ status })))?.refunds).toMatchObject([{ status: said }]);
  });

  test("has no refund, and no fee, of a payment of which nothing was captured", async () => {
    const { latest_charge } = refunds({});
    const held = await take(intent({ status: "requires_capture", amount_received: 0, latest_charge }));
    expect(held).toMatchObject({ refunds: [], fee: 0, captured: 0, authorized: 10_000 });
  });

  test("has the recorded fees in the payment's currency where it was refunded or captured in parts", async () => {
    const fees = [
      { currency: "eur", amount: 120, amount_refunded: 20 },
      { currency: "eur", amount: 60, amount_refunded: 5 },
      { currency: "usd", amount: 999, amount_refunded: 999 },
    ];
    const recorded = { fee: 180, feeReturned: 25 };
    expect(await take(refunds({}), { fees })).toMatchObject(recorded);
    expect(await take(intent({ metadata: { pop_8: "1", pop_9: "1" } }), { fees })).toMatchObject(recorded);
    expect(await take(intent({ amount_received: 9_000 }), { fees })).toMatchObject(recorded);
    expect(await take(intent(), { fees })).toMatchObject({ fee: 200, feeReturned: 0 });
  });

  test.each([
    ["canceled because its time is over", { status: "canceled", cancellation_reason: "automatic" }, "expired"],
    ["canceled as expired", { status: "canceled", cancellation_reason: "expired" }, "expired"],
    ["canceled on request", { status: "canceled", cancellation_reason: "requested_by_customer" }, "voided"],
    ["in a status of tomorrow", { status: "new" }, "waiting"],
  ])("of a payment that is %s", async (_, more, status) => {
    expect(await take(intent(more))).toMatchObject({ status });
  });

  test("of a page that has expired is expired, unless it was paid", async () => {
    const page = attempt({ method: "checkout_session", session: "cs_1" });
    const ofPage = (more: object) => snapshotOf(client(intent(more)).place, page);
    expect(await ofPage({ status: "requires_payment_method", amount_received: 0 })).toMatchObject({
      status: "expired",
    });
    expect(await ofPage({})).toMatchObject({ status: "captured" });
  });

  test("lists the tries that failed, and no other", async () => {
    const charges = [
      { id: "ch_1", status: "succeeded" },
      { id: "ch_0", status: "failed", failure_code: "card_declined" },
    ];
    const said = await take(intent({ last_payment_error: { charge: "ch_0" } }), { charges });
    expect(said?.failures).toMatchObject([{ reference: "ch_0", code: "card_declined" }]);
  });

  test("counts as captures the operations that the metadata name", async () => {
    const { captures } = (await take(intent({ metadata: { stoa_payment: "pay_1", pop_1: "1" } }))) ?? {};
    expect(captures).toEqual(["pop_1"]);
  });
});
