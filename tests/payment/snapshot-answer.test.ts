import { describe, expect, test } from "vitest";
import { diff } from "../../core/payment/snapshot-diff.js";
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

describe("another amount or currency than was asked for", () => {
  const wrong = { amount: 9_000 };

  test.each([
    ["authorized", authorized({ ...wrong, authorized: 9_000 }), { kind: "void", amount: 0 }],
    [
      "captured",
      captured({ ...wrong, captured: 9_000 }),
      { kind: "refund", amount: 0, requestKey: "return pay_1 9000" },
    ],
    ["in another currency", authorized({ currency: "USD" }), { kind: "void" }],
  ])("%s: counts nowhere, goes back, and opens an incident", (_, said, request) => {
    const state = known();
    const effects = diff(state, { snapshot: said });
    expect(effects).toMatchObject({
      outcome: "none",
      events: [],
      requests: [{ ...request, reason: "amount_mismatch" }],
      payments: [{ isClosed: true, accepted: false, authorized: 0, captured: 0, pendingRefund: 0 }],
      order: { status: "pending", amountApplied: 0, paymentStatus: "pending" },
      incidents: [
        { kind: "payment.amount_mismatch", data: { said: { amount: said.amount, currency: said.currency } } },
      ],
    });
    // Reported again, it is neither returned nor raised twice.
    expect(diff(next(state, effects), { snapshot: said })).toMatchObject({ requests: [], incidents: [], facts: [] });
  });

  test("ends there: the attempt is closed, and nothing has to go back", () => {
    const said = snapshot({ ...wrong, status: "expired" });
    expect(diff(known(), { snapshot: said })).toMatchObject({ requests: [], payments: [{ isClosed: true }] });
  });
});

describe("an operation", () => {
  const pending = (more: Partial<KnownOperation> = {}, of: Partial<KnownPayment> = { pendingCapture: TOTAL }) => ({
    ...placed(of),
    operations: [operation({ requestKey: "capture pay_1", ...more })],
  });
  const answer = (outcome: object) => ({ answer: { operationId: "pop_1", outcome: outcome as never } });
  const failed = answer({ status: "failed", code: "card_expired", message: "No." });

  test("ends by the snapshot that shows it, and frees its amount; the answer that comes later changes nothing", () => {
    const state = pending();
    const shown = {
      snapshot: captured({ captures: ["pop_1"] }),
      ...answer({ status: "succeeded", reference: "ch_1" }),
    };
    const effects = diff(state, shown);
    expect(effects).toMatchObject({
      operations: [{ id: "pop_1", status: "succeeded" }],
      payments: [{ pendingCapture: 0 }],
    });
    expect(diff(next(state, effects), answer({ status: "succeeded", reference: "ch_1" })).operations).toEqual([]);
  });

  test("ends by its answer, while the snapshot does not show it yet", () => {
    expect(
      diff(pending({ kind: "void", amount: 0 }, {}), answer({ status: "succeeded", reference: null })),
    ).toMatchObject({
      operations: [{ id: "pop_1", status: "succeeded" }],
    });
  });

  test("that is under way, or a refund that is not listed yet, keeps its amount", () => {
    const refund = pending({ kind: "refund", amount: 4_000 }, { captured: TOTAL, pendingRefund: 4_000 });
    for (const status of ["pending", "succeeded"]) {
      const effects = diff(refund, answer({ status, reference: "re_1" }));
      expect(effects).toMatchObject({ operations: [{ status: "pending", reference: "re_1" }], payments: [] });
    }
    const listed = captured({ refunds: [refundOf(4_000, { operationId: "pop_1", status: "failed" })] });
    expect(diff(refund, { snapshot: listed })).toMatchObject({
      operations: [{ status: "failed" }],
      payments: [{ pendingRefund: 0, refunded: 0 }],
    });
  });

  test("that failed frees its amount, and the automatic capture asks for attention", () => {
    expect(diff(pending(), failed)).toMatchObject({
      operations: [{ status: "failed", failure: { code: "card_expired" } }],
      payments: [{ pendingCapture: 0 }],
      order: { attention: "capture_failed" },
      facts: [{ type: "capture_failed", data: { error: "card_expired: No.", operationId: "pop_1" } }],
      incidents: [],
    });
    const asked = diff(pending(), { answer: { ...failed.answer, isAnswered: true } });
    expect([asked.order.attention, asked.facts]).toMatchObject([null, [{ type: "capture_failed" }]]);
    const elsewhere = diff(pending(), { snapshot: captured(), ...failed });
    expect(elsewhere).toMatchObject({ order: { attention: null }, payments: [{ captured: TOTAL, pendingCapture: 0 }] });
  });

  test("a void that failed asks for attention, unless the caller is answered or it is moot, until the money is let go", () => {
    const state = (more: Partial<KnownPayment> = {}) => pending({ kind: "void", amount: 0 }, more);
    const asked = (of: Known, more = {}) => diff(of, { ...failed, ...more }).order.attention;
    const flagged = diff(state(), failed);
    expect([flagged.order.attention, flagged.facts]).toMatchObject(["void_failed", [{ type: "void_failed" }]]);
    expect(asked(state(), { answer: { ...failed.answer, isAnswered: true } })).toBeNull();
    expect(asked(state({ captured: 1_000 }))).toBeNull();
    expect(diff(next(state(), flagged), { snapshot: authorized({ status: "voided" }) }).order.concerns).toMatchObject([
      { code: "payment_lost" },
    ]);
  });

  test.each([
    ["a refund", { kind: "refund" as const, amount: TOTAL }, { captured: TOTAL, pendingRefund: TOTAL }, 1],
    ["a void", { kind: "void" as const, amount: 0 }, {}, 1],
    [
      "a void of what was captured meanwhile, which a refund follows",
      { kind: "void" as const, amount: 0 },
      { captured: 1 },
      0,
    ],
  ])("that should have returned money and failed (%s) opens an incident", (_, what, of, incidents) => {
    const state = pending(what, { accepted: false, isClosed: true, ...of });
    const effects = diff({ ...state, order: order({ status: "cancelled" }) }, failed);
    expect(effects.incidents.map(({ kind }) => kind)).toEqual(Array(incidents).fill("payment.not_returned"));
  });

  test("an incident about money that did not return is resolved when all of it does, and opens when it does not", () => {
    const state = known({ payment: payment({ isClosed: true, authorized: TOTAL, captured: TOTAL }) });
    const refund = (amount: number, status: "succeeded" | "failed") =>
      diff(state, { snapshot: captured({ refunds: [refundOf(amount, { status })] }) }).incidents;
    expect(refund(TOTAL, "succeeded")).toMatchObject([
      { kind: "payment.not_returned", resolution: expect.any(String) },
    ]);
    expect(refund(1, "succeeded")).toEqual([]);
    expect(refund(TOTAL, "failed")).toMatchObject([{ kind: "payment.not_returned", data: { amount: TOTAL } }]);
  });
});
