import { describe, expect, test } from "vitest";
import { newRequest, remaining } from "../../core/payment/operation.js";
import { diff, stateAfter } from "../../core/payment/snapshot-diff.js";
import type { KnownPayment } from "../../core/payment/state.js";
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

/** The second payment of an order; what is reported of the first one must not touch it, nor the other way around. */
const other = (more: Partial<KnownPayment> = {}) => payment({ id: "pay_2", reference: "pi_2", ...more });

describe("a report", () => {
  test("of a payment that is not authorized places nothing, and neither does one that has ended", () => {
    for (const status of ["waiting", "action_required", "processing"] as const)
      expect(diff(known(), { snapshot: snapshot({ status }) })).toMatchObject({
        outcome: "none",
        order: { status: "pending", amountApplied: 0 },
      });
    for (const status of ["voided", "expired"] as const)
      expect(diff(known(), { snapshot: authorized({ status }) })).toMatchObject({
        outcome: "none",
        order: { status: "pending", amountApplied: 0 },
        payments: [{ accepted: false, isClosed: true }],
      });
  });

  test("counts although another payment of the order reported the same amounts", () => {
    const [first, second] = [payment({ amount: 5_000 }), other({ amount: 5_000 })];
    const half = snapshot({ status: "authorized", amount: 5_000, authorized: 5_000 });
    const begin = known({ payment: first, payments: [first, second] });
    const after = stateAfter(begin, diff(begin, { snapshot: half }));
    const effects = diff({ ...after, payment: second }, { snapshot: half });
    expect(effects).toMatchObject({ outcome: "open", events: [{ paymentId: "pay_2", type: "authorized" }] });
  });

  test("that lists a refund twice counts it once", () => {
    const twice = captured({ refunds: [refundOf(1_000), refundOf(1_000)] });
    expect(diff(placed({ captured: TOTAL }), { snapshot: twice })).toMatchObject({
      events: [{ type: "refunded" }],
      payments: [{ refunded: 1_000 }],
    });
  });

  test("takes back only a refund of its own payment that had succeeded", () => {
    const events = [{ paymentId: "pay_2", type: "refunded" as const, amount: 1_000, reference: "re_1" }];
    const state = placed({ captured: TOTAL, feeTaken: 200 }, events);
    const failed = captured({ refunds: [refundOf(1_000, { status: "failed" })] });
    expect(diff(state, { snapshot: failed })).toMatchObject({ payments: [], postings: [undefined] });
  });

  test("never lowers the returned fee, nor returns more of it than was taken", () => {
    const state = placed({ captured: TOTAL, feeTaken: 200, feeReturned: 100 });
    expect(diff(state, { snapshot: captured({ feeReturned: 0 }) })).toMatchObject({ payments: [], fee: undefined });
    expect(diff(state, { snapshot: captured({ feeReturned: 300 }) }).payments).toMatchObject([{ feeReturned: 200 }]);
  });
});

describe("the operations of a payment", () => {
  const pending = { status: "pending" as const };

  test("end by the snapshot that names them, and only once", () => {
    const capture = operation(pending);
    const others = [
      operation({ id: "pop_2", paymentId: "pay_2", kind: "void" }),
      operation({ id: "pop_3", status: "failed" }),
      operation({ id: "pop_4", kind: "void", amount: 0 }),
    ];
    const state = { ...placed(), operations: [capture, ...others] };
    const ended = (said: (typeof capture.id)[]) =>
      diff(state, { snapshot: authorized({ captured: 1, captures: said }) }).operations.map(({ id }) => id);
    expect(ended([])).toEqual([]);
    expect(ended(["pop_3", "pop_9"])).toEqual([]);
    expect(ended(["pop_1"])).toEqual(["pop_1"]);
    const voided = diff(state, { snapshot: authorized({ status: "voided" }) });
    expect(voided.operations.map(({ id }) => id)).toEqual(["pop_4"]);
  });

  test("keep their amounts, as far as these are there, and no amount of another payment", () => {
    const mine = payment({ accepted: true, authorized: TOTAL, captured: TOTAL, pendingRefund: 4_000, feeTaken: 200 });
    const operations = [
      operation({ kind: "refund", amount: 4_000 }),
      operation({ id: "pop_2", paymentId: "pay_2", kind: "refund", amount: 5_000 }),
    ];
    const theirs = other({ captured: TOTAL, authorized: TOTAL, pendingRefund: 5_000 });
    const state = { ...placed(), payment: mine, payments: [mine, theirs], operations };
    const refunded = diff(state, { snapshot: captured({ refunds: [refundOf(1_000)] }) });
    expect(refunded.payments).toMatchObject([{ id: "pay_1", refunded: 1_000, pendingRefund: 4_000 }]);
    const most = diff(state, { snapshot: captured({ refunds: [refundOf(8_000)] }) });
    expect(most.payments).toMatchObject([{ id: "pay_1", refunded: 8_000, pendingRefund: 2_000 }]);
  });

  test("leave the rest to others: what is pending cannot be requested again", () => {
    const state = { operations: [] };
    const half = payment({
      authorized: TOTAL,
      captured: 3_000,
      pendingCapture: 2_000,
      refunded: 500,
      pendingRefund: 700,
    });
    expect([remaining("capture", half), remaining("refund", half), remaining("void", half)]).toEqual([5_000, 1_800, 0]);
    for (const [kind, left] of [
      ["capture", 5_000],
      ["refund", 1_800],
    ] as const) {
      expect(newRequest(state, half, { kind, amount: left })).toMatchObject({ paymentId: "pay_1", amount: left });
      expect(newRequest(state, half, { kind, amount: left + 1 })).toBeUndefined();
    }
  });

  test("of another payment do not explain a void", () => {
    const state = { ...placed(), operations: [operation({ paymentId: "pay_2", kind: "void", amount: 0 })] };
    expect(diff(state, { snapshot: authorized({ status: "voided" }) }).outcome).toBe("flag_lost");
  });
});

test("an order that is placed captures the payments that count, and no other", () => {
  const [first, refused] = [payment(), other({ authorized: TOTAL, isClosed: true })];
  const state = known({ payment: first, payments: [first, refused], order: order() });
  const { outcome, requests } = diff(state, { snapshot: authorized() });
  expect([outcome, requests.map(({ paymentId }) => paymentId)]).toEqual(["open", ["pay_1"]]);
});

describe("beside a payment that counts, one that does not", () => {
  const state = () => {
    const before = placed();
    return { ...before, payments: [before.payment, other()] };
  };

  test("goes back alone", () => {
    const effects = diff({ ...state(), payment: other() }, { snapshot: authorized({ reference: "pi_2" }) });
    expect(effects.requests.map(({ paymentId, kind }) => [paymentId, kind])).toEqual([["pay_2", "void"]]);
    expect(effects.payments.map(({ id }) => id)).toEqual(["pay_2"]);
  });

  test("does not make the order paid", () => {
    const effects = diff({ ...state(), payment: other() }, { snapshot: captured({ reference: "pi_2" }) });
    expect(effects).toMatchObject({ outcome: "refund", isPaid: false, order: { paymentStatus: "authorized" } });
  });

  test("says nothing of the order's status after a newer attempt", () => {
    const events = [{ paymentId: "pay_1", type: "captured" as const, amount: TOTAL, reference: `to ${TOTAL}` }];
    const first = payment({ isClosed: true, authorized: TOTAL, captured: TOTAL });
    const before = known({ payment: other(), payments: [first, other()], events });
    const effects = diff(before, { snapshot: snapshot({ status: "processing" }) });
    expect(effects.order.paymentStatus).toBe("processing");
  });
});

test("a paid order is not paid again by a refund, or by one that failed", () => {
  const events = [{ paymentId: "pay_1", type: "captured" as const, amount: TOTAL, reference: `to ${TOTAL}` }];
  const state = placed({ captured: TOTAL, feeTaken: 200 }, events);
  for (const status of ["succeeded", "failed"] as const)
    expect(diff(state, { snapshot: captured({ refunds: [refundOf(1_000, { status })] }) }).isPaid).toBe(false);
});

test("a capture that fails needs no attention when the order was cancelled meanwhile", () => {
  const state = { ...placed({ pendingCapture: TOTAL }), order: order({ status: "cancelled" }) };
  const operations = [operation({ requestKey: "capture pay_1" })];
  const answer = { operationId: "pop_1", outcome: { status: "failed" as const, code: "canceled", message: "No." } };
  expect(diff({ ...state, operations }, { answer }).order.attention).toBeNull();
});

test("money that goes back is what is left of it: no refund that is made or under way is made twice", () => {
  const closed = payment({ isClosed: true, authorized: TOTAL, feeTaken: 200 });
  const partly = diff(known({ payment: closed }), { snapshot: captured({ refunds: [refundOf(3_000)] }) });
  expect(partly.requests).toMatchObject([{ kind: "refund", amount: 7_000 }]);
  const underWay = payment({ ...closed, captured: 4_000, pendingRefund: 4_000 });
  const operations = [operation({ kind: "refund", amount: 4_000, requestKey: "return pay_1 4000" })];
  const more = diff(known({ payment: underWay, operations }), { snapshot: captured() });
  expect(more.requests).toMatchObject([{ kind: "refund", amount: 6_000, requestKey: "return pay_1 10000" }]);
});

test("money that the merchant returned in the provider's dashboard does not go back again", () => {
  const state = known({ payment: payment({ isClosed: true }) });
  expect(diff(state, { snapshot: captured({ refunds: [refundOf(TOTAL)] }) }).requests).toEqual([]);
});

test("a payment keeps its first reference, and an order its status, while nothing new is reported", () => {
  const events = [
    ...placed().events,
    { paymentId: "pay_1", type: "captured" as const, amount: TOTAL, reference: `to ${TOTAL}` },
  ];
  const state = { ...placed({ captured: TOTAL, feeTaken: 200 }), events };
  const effects = diff(state, { snapshot: captured({ reference: "pi_other" }) });
  expect(effects).toMatchObject({ payments: [], facts: [], order: { paymentStatus: "authorized" } });
});

describe("an incident about money that did not return", () => {
  const failed = captured({ refunds: [refundOf(1_000, { status: "failed" })] });

  test("waits for the refund that is requested now", () => {
    const effects = diff(known({ order: order({ status: "cancelled" }) }), { snapshot: failed });
    expect(effects).toMatchObject({ requests: [{ kind: "refund", amount: TOTAL }], incidents: [] });
  });

  test("is not opened for a payment that counts", () => {
    expect(diff(placed({ captured: TOTAL, isClosed: true }), { snapshot: failed }).incidents).toEqual([]);
  });
});

describe("a payment of another amount", () => {
  const wrong = { amount: 9_000 };

  test("of which nothing is held has nothing to return", () => {
    expect(diff(known(), { snapshot: snapshot(wrong) })).toMatchObject({ requests: [], incidents: [{}] });
    const voided = authorized({ ...wrong, authorized: 9_000, status: "voided" });
    expect(diff(known(), { snapshot: voided })).toMatchObject({ requests: [], payments: [{ isClosed: true }] });
  });

  test("is raised again when money is captured that was to be voided", () => {
    const state = known();
    const after = next(state, diff(state, { snapshot: authorized({ ...wrong, authorized: 9_000 }) }));
    expect(diff(after, { snapshot: captured({ ...wrong, captured: 9_000 }) })).toMatchObject({
      requests: [{ kind: "refund" }],
      incidents: [{ kind: "payment.amount_mismatch" }],
    });
  });
});

test("a refund of a payment of another amount ends with the report that lists it", () => {
  const state = known({ payment: payment({ isClosed: true }), operations: [operation({ kind: "refund", amount: 0 })] });
  const listed = captured({ amount: 9_000, captured: 9_000, refunds: [refundOf(9_000, { operationId: "pop_1" })] });
  expect(diff(state, { snapshot: listed }).operations).toEqual([{ id: "pop_1", status: "succeeded" }]);
});
