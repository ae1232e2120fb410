import { describe, expect, test } from "vitest";
import { calm, clock, failure, pay, standIn, stripe, types } from "./stand-in.js";

const manual = { payment_method_options: { card: { capture_method: "manual" } } };
const authorise = (more = {}, card = {}) =>
  pay("pm_card_visa", {
    payment_method_options: { card: { ...manual.payment_method_options.card, ...card } },
    ...more,
  });
const chargeOf = (id: string) =>
  stripe.paymentIntents.retrieve(id, { expand: ["latest_charge"] }).then(({ latest_charge }) => latest_charge);

describe("an authorised payment", () => {
  test("is captured as a whole", async () => {
    const held = await authorise();
    expect(held).toMatchObject({ status: "requires_capture", amount_capturable: 10_000, amount_received: 0 });
    expect(held.capture_method).toBe("automatic_async");
    expect(await chargeOf(held.id)).toMatchObject({ captured: false, paid: true, balance_transaction: null });
    const captured = await stripe.paymentIntents.capture(held.id);
    expect(captured).toMatchObject({ status: "succeeded", amount_capturable: 0, amount_received: 10_000 });
    expect(await chargeOf(held.id)).toMatchObject({ captured: true, amount_captured: 10_000, amount_refunded: 0 });
    expect(types()).toEqual([
      "payment_intent.created",
      "charge.succeeded",
      "payment_intent.amount_capturable_updated",
      "charge.captured",
      "payment_intent.succeeded",
    ]);
  });

  test("is captured in part: the rest is let go, which is a refund without money", async () => {
    const held = await authorise();
    const captured = await stripe.paymentIntents.capture(held.id, { amount_to_capture: 6000 });
    expect(captured).toMatchObject({ status: "succeeded", amount_capturable: 0, amount_received: 6000 });
    expect(await chargeOf(held.id)).toMatchObject({ amount_captured: 6000, amount_refunded: 4000, refunded: false });
    const { data } = await stripe.refunds.list({ payment_intent: held.id });
    expect(data).toMatchObject([{ amount: 4000, balance_transaction: null, status: "succeeded" }]);
    expect(await failure(stripe.paymentIntents.capture(held.id))).toMatchObject({
      code: "payment_intent_unexpected_state",
      payment_intent: { status: "succeeded" },
    });
    expect(await failure(stripe.refunds.create({ payment_intent: held.id, amount: 6001 }))).toMatchObject({
      param: "amount",
    });
    expect((await stripe.refunds.create({ payment_intent: held.id })).amount).toBe(6000);
  });

  test("is captured several times only where the charge says so", async () => {
    const once = await authorise();
    expect(await chargeOf(once.id)).toMatchObject({
      payment_method_details: { card: { multicapture: { status: "unavailable" } } },
    });
    const partly = { amount_to_capture: 4000, final_capture: false };
    expect(await failure(stripe.paymentIntents.capture(once.id, partly))).toMatchObject({ param: "final_capture" });

    const often = await authorise({}, { request_multicapture: "if_available" });
    expect(await chargeOf(often.id)).toMatchObject({
      payment_method_details: { card: { multicapture: { status: "available" } } },
    });
    const first = await stripe.paymentIntents.capture(often.id, partly);
    expect(first).toMatchObject({ status: "requires_capture", amount_capturable: 6000, amount_received: 4000 });
    const last = await stripe.paymentIntents.capture(often.id, { amount_to_capture: 5000 });
    expect(last).toMatchObject({ status: "succeeded", amount_received: 9000 });
    expect(standIn.objects("balance_transaction").map(({ amount }) => amount)).toEqual([5000, 4000]);
  });

  test("cannot be captured beyond what was authorised", async () => {
    const held = await authorise();
    const capture = (amount_to_capture: number) => stripe.paymentIntents.capture(held.id, { amount_to_capture });
    expect(await failure(capture(10_001))).toMatchObject({ code: "amount_too_large", param: "amount_to_capture" });
    expect(await failure(capture(0))).toMatchObject({ code: "parameter_invalid_integer" });
    expect(await failure(stripe.refunds.create({ payment_intent: held.id }))).toMatchObject({
      code: "charge_not_refundable",
    });
  });

  test("is let go when it is cancelled", async () => {
    const held = await authorise();
    const canceled = await stripe.paymentIntents.cancel(held.id, { cancellation_reason: "abandoned" });
    expect(canceled).toMatchObject({ status: "canceled", cancellation_reason: "abandoned", amount_capturable: 0 });
    expect(await chargeOf(held.id)).toMatchObject({ captured: false, refunded: true, amount_refunded: 10_000 });
    expect(standIn.objects("balance_transaction")).toEqual([]);
    expect(await failure(stripe.paymentIntents.cancel(held.id))).toMatchObject({
      code: "payment_intent_unexpected_state",
    });
  });

  test("lapses after seven days", async () => {
    const held = await authorise();
    await clock.advance(7 * 86_400_000 + 1000);
    expect(await stripe.paymentIntents.retrieve(held.id)).toMatchObject({
      status: "canceled",
      cancellation_reason: "automatic",
    });
    expect(types()).toContain("charge.expired");
  });

  test("of a debit there is none: it is taken at once", async () => {
    const taken = await stripe.paymentIntents.create({
      amount: 5000,
      currency: "usd",
      confirm: true,
      payment_method: "pm_usBankAccount_success",
      mandate_data: { customer_acceptance: { type: "offline", offline: {} } },
      return_url: "https://shop.example",
      payment_method_options: { card: { capture_method: "manual" } },
    });
    expect(taken.status).toBe("processing");
    standIn.settleDebit(taken.id);
    expect((await stripe.paymentIntents.retrieve(taken.id)).status).toBe("succeeded");
    const allManual = { amount: 5000, currency: "usd", capture_method: "manual" as const };
    expect((await stripe.paymentIntents.create(allManual)).payment_method_types).toEqual(["card"]);
  });
});

describe("a refund", () => {
  test("never exceeds what was captured, not even in a race", async () => {
    const paid = await pay();
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, () => stripe.refunds.create({ payment_intent: paid.id, amount: 1000 })),
    );
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(10);
    expect(await failure(stripe.refunds.create({ payment_intent: paid.id }))).toMatchObject({
      code: "charge_already_refunded",
    });
    expect(await chargeOf(paid.id)).toMatchObject({ refunded: true, amount_refunded: 10_000 });
  });

  test("keeps what it is told, and is found by its payment", async () => {
    const paid = await pay();
    const refund = await stripe.refunds.create({
      payment_intent: paid.id,
      amount: 300,
      reason: "requested_by_customer",
      metadata: { refund: "r1" },
      expand: ["balance_transaction", "charge.balance_transaction"],
    });
    expect(refund).toMatchObject({ amount: 300, metadata: { refund: "r1" }, status: "succeeded" });
    expect(refund.balance_transaction).toMatchObject({ amount: -300, fee: 0, net: -300, type: "refund" });
    const { data } = await stripe.refunds.list({ payment_intent: paid.id });
    expect(data.map(({ id }) => id)).toEqual([refund.id]);
    await stripe.refunds.update(refund.id, { metadata: { refund: "", more: "x" } });
    expect((await stripe.refunds.retrieve(refund.id)).metadata).toEqual({ more: "x" });
  });

  test("may take its time", async () => {
    const paid = await pay("pm_card_pendingRefund");
    const { id } = await stripe.refunds.create({ payment_intent: paid.id });
    expect((await stripe.refunds.retrieve(id)).status).toBe("pending");
    await clock.advance(60_000);
    expect((await stripe.refunds.retrieve(id)).status).toBe("succeeded");
    expect(types()).toEqual(expect.arrayContaining(["refund.created", "refund.updated", "charge.refund.updated"]));
  });

  test("may fail later, and can then be made again", async () => {
    const paid = await pay("pm_card_refundFail");
    const { id } = await stripe.refunds.create({ payment_intent: paid.id });
    expect((await stripe.refunds.retrieve(id)).status).toBe("succeeded");
    await clock.advance(60_000);
    const failed = await stripe.refunds.retrieve(id, { expand: ["failure_balance_transaction"] });
    expect(failed).toMatchObject({ status: "failed", failure_reason: "lost_or_stolen_card" });
    expect(failed.failure_balance_transaction).toMatchObject({ amount: 10_000, type: "refund_failure" });
    expect(await chargeOf(paid.id)).toMatchObject({ refunded: false, amount_refunded: 0 });
    expect(types()).toContain("refund.failed");
    const again = await stripe.refunds.create({ payment_intent: paid.id, amount: 100 });
    expect(standIn.failRefund(again.id).status).toBe("failed");
  });
});

describe("a dispute", () => {
  test("takes the money until it is won", async () => {
    const paid = await pay("pm_card_createDispute");
    await calm();
    const [dispute] = (await stripe.disputes.list({ payment_intent: paid.id })).data;
    expect(dispute).toMatchObject({ status: "needs_response", reason: "fraudulent", amount: 10_000 });
    expect(dispute?.balance_transactions).toMatchObject([{ amount: -10_000, fee: 2000, net: -12_000 }]);
    const due = (dispute?.evidence_details.due_by ?? 0) * 1000 - clock.now();
    expect(due).toBeGreaterThan(6 * 86_400_000);
    expect(await chargeOf(paid.id)).toMatchObject({ disputed: true });
    expect(await failure(stripe.refunds.create({ payment_intent: paid.id }))).toMatchObject({
      code: "charge_disputed",
    });
    const evidence = { uncategorized_text: "winning_evidence" };
    const won = await stripe.disputes.update(dispute?.id ?? "", { evidence });
    expect(won).toMatchObject({ status: "won", evidence_details: { submission_count: 1, has_evidence: true } });
    expect(won.balance_transactions.map(({ net }) => net)).toEqual([-12_000, 12_000]);
    expect(types().filter((type) => type.includes("dispute"))).toEqual([
      "charge.dispute.created",
      "charge.dispute.funds_withdrawn",
      "charge.dispute.updated",
      "charge.dispute.closed",
      "charge.dispute.funds_reinstated",
    ]);
  });

  test("is lost when it is conceded, or when nobody answers in time", async () => {
    const charges = [await pay(), await pay()].map(({ latest_charge }) => String(latest_charge));
    const [first, second] = charges.map((charge) => standIn.openDispute(charge));
    const staged = await stripe.disputes.update(first?.id ?? "", {
      evidence: { customer_name: "A" },
      submit: false,
    });
    expect(staged).toMatchObject({ status: "needs_response", evidence: { customer_name: "A" } });
    expect((await stripe.disputes.close(first?.id ?? "")).status).toBe("lost");
    expect(await failure(stripe.disputes.close(first?.id ?? ""))).toMatchObject({ code: "dispute_already_closed" });
    await clock.advance(9 * 86_400_000);
    expect(await stripe.disputes.retrieve(second?.id ?? "")).toMatchObject({
      status: "lost",
      evidence_details: { past_due: true },
    });
  });
});
