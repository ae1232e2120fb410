import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { consumeEntitlement } from "../entitlement/index.js";
import { db } from "../kernel/db.js";
import { conflict, notFound } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { requireVersion } from "../kernel/version.js";
import { Order, OrderId, orderMeter } from "../order/index.js";
import { factOf } from "./fact.js";
import { entryOf } from "./fact-trace.js";
import { snapshotAfter } from "./operation.js";
import { paymentProviders } from "./provider.js";
import { applySnapshot, updatePayment } from "./snapshot.js";
import { type KnownPayment, lockPayments, type PaymentState } from "./state.js";

/** The payment by hand that the staff has neither accepted nor declined. */
export const awaitedPayment = ({ order, payments }: PaymentState): KnownPayment | undefined =>
  order.status === "pending"
    ? payments.find(({ accepted, isClosed, provider }) => !accepted && !isClosed && isByHand(provider))
    : undefined;

/**
 * Accepts an order that is paid by hand: from now on it counts, and the money may come. A second call finds it accepted.
 * @throws Failure not_found, stale, forbidden when the plan has no room, conflict (`order.not_acceptable`,
 * `stock.insufficient`)
 */
export const accept = fn(z.object({ id: OrderId, version: z.int().optional() }), ({ id, version }) =>
  db(async (tx) => {
    const state = await lockPayments({ orderId: id });
    if (!state) throw notFound("order");
    requireVersion("order", state.order, version);
    const payment = awaitedPayment(state);
    if (!payment && isAccepted(state)) return;
    if (!payment) throw conflict("order.not_acceptable", "The order does not wait to be accepted by the staff.");
    await acceptOrder(tx, state, payment);
  }),
);

const isAccepted = ({ order, payments }: PaymentState) =>
  (order.status === "open" || order.status === "completed") &&
  payments.some(({ accepted, provider }) => accepted && isByHand(provider));

/** A removed provider keeps no other payment of the order from being handled. */
const isByHand = (provider: string) => paymentProviders.find(provider)?.byHand === true;

/**
 * Places an order that waited for the staff, in the transaction that holds its locks: goods, the plan's count and the
 * event of a placed order.
 * @returns the state afterwards, with the version that the caller has read
 */
export async function acceptOrder(tx: Tx, state: PaymentState, payment: KnownPayment): Promise<PaymentState> {
  const { order } = state;
  if (!(await Order.deductGoods(order)))
    throw conflict("stock.insufficient", "The goods of the order are not in stock any more. Restock or decline it.");
  const accepted = { ...payment, authorized: payment.amount, accepted: true };
  updatePayment(tx, accepted);
  const placed = await Order.applyPayment(tx, order.id, payment.amount, { status: "open" });
  if (!placed) throw new Error("The order was changed without its lock.");
  const fact = entryOf(factOf("placed", payment, order.total), payment.currency);
  Order.addToTimeline(tx, order.id, [{ type: "accepted" }, fact]);
  await consumeEntitlement(orderMeter);
  const payments = state.payments.map((one) => (one.id === payment.id ? accepted : one));
  return { ...state, order: { ...placed, version: order.version }, payments };
}

/** Declines an order that waits for the staff: it ends, and its goods are for sale again. */
export async function decline(tx: Tx, { order }: PaymentState, payment: KnownPayment, version: number | undefined) {
  requireVersion("order", order, version);
  await applySnapshot(payment.id, snapshotAfter(payment, { ...none, paymentId: payment.id }));
  await Order.cancel(tx, order, "declined");
  return undefined;
}

/** The end of a payment that no operation was requested for. */
const none = { id: "", kind: "void", amount: 0, status: "pending", requestKey: null, actor: {} } as const;
