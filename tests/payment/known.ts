import type { RefundState, Snapshot } from "../../core/payment/provider.js";
import { type Effects, stateAfter } from "../../core/payment/snapshot-diff.js";
import {
  type Known,
  type KnownOperation,
  type KnownOrder,
  type KnownPayment,
  paymentIn,
} from "../../core/payment/state.js";

/** Of an order and its one payment, in minor units. */
export const TOTAL = 10_000;

/** An order that asks for nobody's attention. */
export const unflagged = { attention: null, concerns: [] };

export const order = (more: Partial<KnownOrder> = {}): KnownOrder =>
  ({
    ...{
      id: "ord_1",
      number: 1001,
      status: "pending",
      fulfillmentStatus: "unfulfilled",
      currency: "EUR",
      total: TOTAL,
      amountApplied: 0,
    },
    ...{ paymentStatus: "pending", ...unflagged, tax: 1_597, shipping: 500 },
    ...{ shippingTaxInclusive: true, shippingTaxRate: 1_900 },
    ...more,
  }) as KnownOrder;

export const payment = (more: Partial<KnownPayment> = {}): KnownPayment => ({
  ...{ id: "pay_1", orderId: "ord_1", provider: "stripe", amount: TOTAL, currency: "EUR", reference: "pi_1" },
  ...{ authorized: 0, pendingCapture: 0, captured: 0, pendingRefund: 0, refunded: 0, feeTaken: 0, feeReturned: 0 },
  ...{ accepted: false, isClosed: false, capturesAutomatically: true },
  ...more,
});

export const operation = (more: Partial<KnownOperation> = {}): KnownOperation => ({
  ...{ id: "pop_1", paymentId: "pay_1", kind: "capture", amount: TOTAL, status: "pending", requestKey: null },
  actor: { type: "system" },
  ...more,
});

export const known = (more: Partial<Known> = {}): Known => {
  const one = more.payment ?? payment();
  return { order: order(), payment: one, payments: [one], events: [], operations: [], ...more };
};

export const snapshot = (more: Partial<Snapshot> = {}): Snapshot => ({
  ...{ reference: "pi_1", status: "waiting", amount: TOTAL, currency: "EUR", authorized: 0, captured: 0 },
  ...{ failures: [], refunds: [], captures: [], fee: 0 },
  ...more,
});
export const authorized = (more: Partial<Snapshot> = {}) =>
  snapshot({ status: "authorized", authorized: TOTAL, ...more });
export const captured = (more: Partial<Snapshot> = {}) =>
  authorized({ status: "captured", captured: TOTAL, fee: 200, ...more });
export const refundOf = (amount: number, more: Partial<RefundState> = {}): RefundState => ({
  ...{ reference: "re_1", amount, status: "succeeded", operationId: null },
  ...more,
});

/** A payment that counts for its placed order, as far as it was authorized or captured. */
export const placed = (more: Partial<KnownPayment> = {}, events: Known["events"] = []) =>
  known({
    payment: payment({ accepted: true, authorized: TOTAL, ...more }),
    order: order({ status: "open", amountApplied: TOTAL, paymentStatus: "authorized" }),
    events: [{ paymentId: "pay_1", type: "authorized", amount: TOTAL, reference: `to ${TOTAL}` }, ...events],
  });
/** The next state, once the effects are written: requests become pending operations. */
export function next(state: Known, effects: Effects): Known {
  const after = stateAfter(state, effects);
  const made = effects.requests.map((request, at) =>
    operation({ requestKey: null, ...request, id: `pop_${state.operations.length + at + 1}` }),
  );
  return { ...after, operations: [...after.operations, ...made], payment: paymentIn(after, state.payment.id) };
}
