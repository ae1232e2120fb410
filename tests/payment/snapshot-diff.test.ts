import { describe, expect, test } from "vitest";
import type { RefundState } from "../../core/payment/provider.js";
import { diff, type Effects, stateAfter } from "../../core/payment/snapshot-diff.js";
import type { Known, KnownOperation, KnownPayment } from "../../core/payment/state.js";
import {
  authorized,
  captured,
  known,
  next,
  operation,
  order,
  payment,
  placed,
  refundOf,
  snapshot,
  TOTAL,
} from "./known.js";

const types = ({ events }: Pick<Effects, "events">) => events.map(({ type }) => type);
const facts = (effects: Pick<Effects, "facts">) => effects.facts.map(({ type }) => type);

describe("the order", () => {
  test("is placed by the payment that completes its total, and all of it is captured", () => {
    const effects = diff(known(), { snapshot: authorized() });
    expect(effects).toMatchObject({
      outcome: "open",
      order: { status: "open", amountApplied: TOTAL, paymentStatus: "authorized" },
      payments: [{ accepted: true, authorized: TOTAL, pendingCapture: TOTAL }],
      requests: [{ paymentId: "pay_1", kind: "capture", amount: TOTAL, requestKey: "capture pay_1" }],
      isPaid: false,
    });
    expect(facts(effects)).toEqual(["placed", "payment_authorized"]);
    expect(types(effects)).toEqual(["authorized"]);
  });

  test("is placed and paid by a payment that is captured at once; nothing is left to capture", () => {
    const effects = diff(known(), { snapshot: captured() });
    expect(effects).toMatchObject({
      outcome: "open",
      isPaid: true,
      order: { paymentStatus: "captured" },
      requests: [],
    });
    expect(effects.postings.map((posting) => posting?.kind)).toEqual([undefined, "payment.captured"]);
    expect(effects.fee?.kind).toBe("payment.fee");
  });

  test("is placed without a capture where the staff captures", () => {
    const one = payment({ capturesAutomatically: false });
    expect(diff(known({ payment: one }), { snapshot: authorized() })).toMatchObject({ outcome: "open", requests: [] });
  });

  test("waits for the rest of its total, and then captures every part", () => {
    const [first, second] = [payment({ id: "pay_1", amount: 4_000 }), payment({ id: "pay_2", amount: 6_000 })];
    const of = (amount: number) => snapshot({ status: "authorized", amount, authorized: amount });
    const begin = known({ payment: first, payments: [first, second] });
    const one = diff(begin, { snapshot: of(4_000) });
    expect(one).toMatchObject({ outcome: "apply", order: { status: "pending", amountApplied: 4_000 }, requests: [] });
    const two = diff({ ...stateAfter(begin, one), payment: second }, { snapshot: of(6_000) });
    expect(two).toMatchObject({ outcome: "open", order: { status: "open", amountApplied: TOTAL } });
    expect(two.requests.map(({ paymentId, amount }) => [paymentId, amount])).toEqual([
      ["pay_1", 4_000],
      ["pay_2", 6_000],
    ]);
  });

  test("is cancelled when its goods are gone, and every part goes back", () => {
    const parts = [
      payment({ amount: 4_000, accepted: true, authorized: 4_000 }),
      payment({ id: "pay_2", amount: 6_000 }),
    ];
    const [, second] = parts as [KnownPayment, KnownPayment];
    const paid = snapshot({ status: "captured", amount: 6_000, authorized: 6_000, captured: 6_000 });
    const state = known({ payment: second, payments: parts, order: order({ amountApplied: 4_000 }), isSoldOut: true });
    const effects = diff(state, { snapshot: paid });
    expect(effects).toMatchObject({
      outcome: "cancel",
      order: { status: "cancelled", amountApplied: 0, attention: "money_returned" },
      payments: [
        { id: "pay_1", accepted: false, isClosed: true },
        { id: "pay_2", accepted: false, isClosed: true, pendingRefund: 6_000 },
      ],
      requests: [
        { paymentId: "pay_1", kind: "void", reason: "out_of_stock" },
        { paymentId: "pay_2", kind: "refund", amount: 6_000, requestKey: "return pay_2 6000" },
      ],
      isPaid: false,
    });
    expect(facts(effects)).toEqual(["payment_returned", "payment_returned", "payment_authorized", "payment_captured"]);
  });

  test.each([
    ["was cancelled", order({ status: "cancelled" })],
    ["is placed already", order({ status: "open", amountApplied: TOTAL })],
    ["needs less than that", order({ amountApplied: 1 })],
  ])("%s: the payment goes back alone", (_, of) => {
    const effects = diff(known({ order: of }), { snapshot: authorized() });
    expect(effects).toMatchObject({
      outcome: "refund",
      payments: [{ accepted: false, isClosed: true, authorized: TOTAL }],
      requests: [{ kind: "void", reason: "order_not_payable" }],
      order: { status: of.status, amountApplied: of.amountApplied, attention: null },
      facts: [{ type: "payment_returned", paymentId: "pay_1", data: { reason: "order_not_payable" } }, {}],
    });
  });

  test("takes nothing of an attempt that was closed: what is captured of it later goes back as well, each amount once", () => {
    const closed = known({ payment: payment({ isClosed: true }) });
    const first = diff(closed, { snapshot: authorized() });
    expect(first).toMatchObject({ outcome: "refund", requests: [{ kind: "void", reason: "attempt_closed" }] });
    const after = next(closed, first);
    expect(diff(after, { snapshot: authorized() }).requests).toEqual([]);
    const second = diff(after, { snapshot: captured() });
    expect(second).toMatchObject({ requests: [{ kind: "refund", amount: TOTAL, requestKey: "return pay_1 10000" }] });
    expect(diff(next(after, second), { snapshot: captured() }).requests).toEqual([]);
  });
});

describe("a placed order", () => {
  test.each(["voided", "expired"] as const)("whose authorization is %s at the provider is flagged", (status) => {
    expect(diff(placed(), { snapshot: authorized({ status }) })).toMatchObject({
      outcome: "flag_lost",
      order: { status: "open", attention: "payment_lost", paymentStatus: "voided" },
      payments: [{ isClosed: true }],
      facts: [{ type: "payment_lost", paymentId: "pay_1" }, { type: `payment_${status}` }],
    });
  });

  test("is not flagged for a void that was requested here, but for one that failed", () => {
    const state = (status: KnownOperation["status"]) => ({
      ...placed(),
      operations: [operation({ kind: "void", amount: 0, status })],
    });
    const voided = { snapshot: authorized({ status: "voided" }) };
    expect(diff(state("pending"), voided)).toMatchObject({
      outcome: "end",
      order: { status: "cancelled", amountApplied: 0, attention: null },
      operations: [{ id: "pop_1", status: "succeeded" }],
    });
    expect(diff(state("failed"), voided).outcome).toBe("flag_lost");
  });

  test("shows the gravest reason for attention, and forgets none", () => {
    const with_ = (attention: string) => {
      const state = placed();
      return { ...state, order: { ...state.order, attention, concerns: [] } };
    };
    const expired = { snapshot: authorized({ status: "expired" }) };
    const codes = ({ order: { attention, concerns } }: Effects) => [attention, concerns.map(({ code }) => code)];
    expect(codes(diff(with_("refund_failed"), expired))).toEqual(["payment_lost", ["refund_failed", "payment_lost"]]);
    expect(codes(diff(with_("dispute_opened"), expired))).toEqual(["payment_lost", ["dispute_opened", "payment_lost"]]);
  });

  test("is asked to look at a refund that fails, until one of that amount succeeds", () => {
    const state = placed({ captured: TOTAL });
    const refund = (reference: string, amount: number, more = {}) => refundOf(amount, { reference, ...more });
    const tell = (known: Known, ...refunds: RefundState[]) => {
      const effects = diff(known, { snapshot: captured({ refunds }) });
      return { effects, after: next(known, effects) };
    };
    const made = tell(state, refund("re_1", 3_000));
    const broken = refund("re_1", 3_000, { status: "failed", failure: "lost_or_stolen_card" });
    const failed = tell(made.after, broken);
    expect(failed.effects.order).toMatchObject({
      attention: "refund_failed",
      concerns: [{ code: "refund_failed", reference: "re_1", amount: 3_000 }],
    });
    const smaller = tell(failed.after, broken, refund("re_2", 2_999));
    expect([facts(smaller.effects), smaller.effects.order.attention]).toEqual([["payment_refunded"], "refund_failed"]);
    const enough = tell(smaller.after, broken, refund("re_2", 2_999), refund("re_3", 3_000));
    expect(enough.effects.order).toMatchObject({ attention: null, concerns: [] });
  });

  test("a refund that was made and fails later is a failed operation, and keeps being one", () => {
    const refund = operation({ kind: "refund", amount: 1_000, status: "succeeded" });
    const state = { ...placed({ captured: TOTAL, refunded: 1_000 }), operations: [refund] };
    const told = (status: "succeeded" | "failed") => ({
      snapshot: captured({
        refunds: [refundOf(1_000, { operationId: refund.id, status, failure: "expired_or_canceled_card" })],
      }),
    });
    const failed = diff(state, told("failed"));
    expect(failed.operations).toMatchObject([{ status: "failed", failure: { code: "expired_or_canceled_card" } }]);
    expect(diff(next(state, failed), told("succeeded")).operations).toEqual([]);
  });

  test("is paid once, when the last part is captured", () => {
    const state = placed();
    const part = diff(state, { snapshot: authorized({ captured: 4_000 }) });
    expect(part).toMatchObject({ isPaid: false, order: { paymentStatus: "partially_captured" } });
    const rest = diff(next(state, part), { snapshot: captured() });
    expect(rest).toMatchObject({ isPaid: true, order: { paymentStatus: "captured" }, payments: [{ captured: TOTAL }] });
    expect(rest.events).toMatchObject([{ type: "captured", amount: 6_000, reference: "to 10000" }]);
    expect(diff(next(next(state, part), rest), { snapshot: captured() })).toMatchObject({
      isPaid: false,
      events: [],
    });
  });

  test("takes a refund back out of the sale, and puts it back when the refund fails", () => {
    const state = placed({ captured: TOTAL });
    const refunded = diff(state, { snapshot: captured({ refunds: [refundOf(1_000)] }) });
    expect(refunded).toMatchObject({ payments: [{ refunded: 1_000 }], order: { paymentStatus: "partially_refunded" } });
    const accounts = refunded.postings[0]?.entries.map(({ account }) => account);
    expect(accounts).toEqual(expect.arrayContaining(["processor:stripe", "refunds", "tax_payable"]));
    const failed = diff(next(state, refunded), {
      snapshot: captured({ refunds: [refundOf(1_000, { status: "failed" })] }),
    });
    expect(failed).toMatchObject({ payments: [{ refunded: 0 }], postings: [{ kind: "payment.refund_failed" }] });
  });

  test("is not touched by a refund that failed before it had succeeded, whatever is reported afterwards", () => {
    const state = placed({ captured: TOTAL, feeTaken: 200 });
    const failed = diff(state, { snapshot: captured({ refunds: [refundOf(1_000, { status: "failed" })] }) });
    expect([types(failed), failed.postings, failed.payments]).toEqual([["refund_failed"], [undefined], []]);
    const late = diff(next(state, failed), { snapshot: captured({ refunds: [refundOf(1_000)] }) });
    expect([types(late), late.payments]).toEqual([[], []]);
  });
});

test("a report of nothing changes nothing", () => {
  expect(diff(known(), {})).toMatchObject({ outcome: "none", events: [], payments: [], requests: [], facts: [] });
});
