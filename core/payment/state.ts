import { and, asc, eq, type SQL } from "drizzle-orm";
import type { Reader } from "../../drizzle/reader.js";
import { read } from "../kernel/db.js";
import { type Order, orderTable } from "../order/order.sql.js";
import { paymentAccountTable } from "../payment-account/payment-account.sql.js";
import {
  type Payment,
  type PaymentEvent,
  type PaymentOperation,
  paymentEventTable,
  paymentOperationTable,
  paymentTable,
} from "./payment.sql.js";
import { paymentProviders } from "./provider.js";

/** A payment as decisions see it. Amounts are minor units. */
export interface KnownPayment
  extends Pick<Payment, "id" | "orderId" | "provider" | "amount" | "currency" | "reference" | "accepted">,
    Pick<Payment, "authorized" | "pendingCapture" | "captured" | "pendingRefund" | "refunded">,
    Pick<Payment, "feeTaken" | "feeReturned"> {
  /** Whether the attempt can no longer succeed. */
  isClosed: boolean;
  /** Whether the money is taken when the order is placed, or when the staff captures. */
  capturesAutomatically: boolean;
}
export type KnownEvent = Pick<PaymentEvent, "paymentId" | "type" | "amount" | "reference">;
export type KnownOperation = Pick<PaymentOperation, "id" | "paymentId" | "kind" | "amount" | "status" | "requestKey"> &
  Pick<PaymentOperation, "actor">;
export type KnownOrder = Order;

/** An order and all of its payments, which stay locked until the transaction ends. */
export interface PaymentState {
  order: KnownOrder;
  /** The oldest first. */
  payments: readonly KnownPayment[];
  events: readonly KnownEvent[];
  operations: readonly KnownOperation[];
}

/** The state, and the payment in it that a provider reports on. */
export interface Known extends PaymentState {
  payment: KnownPayment;
  /** The order's goods can no longer be deducted, so that the order cannot be placed. */
  isSoldOut?: boolean;
}

/** An event that is to be written. */
export interface NewEvent extends KnownEvent {
  reference: string;
  data: Record<string, unknown>;
}

/** @throws Error for a payment of another order */
export function paymentIn({ payments }: PaymentState, paymentId: string): KnownPayment {
  const payment = payments.find(({ id }) => id === paymentId);
  if (!payment) throw new Error("The payment belongs to another order.");
  return payment;
}

type Which = { orderId: string } | { paymentId: string };

/**
 * Locks the payments of an order and then the order, and reads all that decisions need, in one message. Every
 * transaction that needs both takes its locks in this order, so that no deadlock arises. The rows of a payment are
 * written under the payment's lock, and read here by a statement that begins after the lock was granted.
 * @returns undefined when there is no such order
 */
export async function lockPayments(which: Which): Promise<PaymentState | undefined> {
  const [payments, [order], events, operations] = await read((q) => {
    const inOrder = (orderId: typeof orderTable.id | typeof paymentTable.orderId) =>
      eq(orderId, "orderId" in which ? which.orderId : orderIdOf(q, which.paymentId));
    return [
      paymentQuery(q, inOrder(paymentTable.orderId)),
      q.select().from(orderTable).where(inOrder(orderTable.id)).for("update"),
      eventQuery(q, inOrder(paymentTable.orderId)),
      operationQuery(q, inOrder(paymentTable.orderId)),
    ] as const;
  });
  return order && { order, payments: payments.map(toKnown), events, operations };
}

const orderIdOf = (q: Reader, paymentId: string) =>
  q.select({ id: paymentTable.orderId }).from(paymentTable).where(eq(paymentTable.id, paymentId));

const columns = {
  id: paymentTable.id,
  orderId: paymentTable.orderId,
  provider: paymentTable.provider,
  amount: paymentTable.amount,
  currency: paymentTable.currency,
  reference: paymentTable.reference,
  accepted: paymentTable.accepted,
  authorized: paymentTable.authorized,
  pendingCapture: paymentTable.pendingCapture,
  captured: paymentTable.captured,
  pendingRefund: paymentTable.pendingRefund,
  refunded: paymentTable.refunded,
  feeTaken: paymentTable.feeTaken,
  feeReturned: paymentTable.feeReturned,
  closedAt: paymentTable.closedAt,
  capture: paymentAccountTable.capture,
};

const paymentQuery = (q: Reader, which: SQL) =>
  q
    .select(columns)
    .from(paymentTable)
    .leftJoin(
      paymentAccountTable,
      and(
        eq(paymentAccountTable.account, paymentTable.account),
        eq(paymentAccountTable.livemode, paymentTable.livemode),
      ),
    )
    .where(which)
    .orderBy(asc(paymentTable.id))
    .for("update", { of: paymentTable });

const toKnown = ({
  closedAt,
  capture,
  ...payment
}: Awaited<ReturnType<typeof paymentQuery>>[number]): KnownPayment => ({
  ...payment,
  isClosed: closedAt !== null,
  // A removed provider captures nothing, and its payment must not keep another payment of the order from being synced.
  capturesAutomatically: (capture ?? paymentProviders.find(payment.provider)?.capture) === "automatic",
});

const eventQuery = (q: Reader, which: SQL) =>
  q
    .select({
      paymentId: paymentEventTable.paymentId,
      type: paymentEventTable.type,
      amount: paymentEventTable.amount,
      reference: paymentEventTable.reference,
    })
    .from(paymentEventTable)
    .innerJoin(paymentTable, eq(paymentTable.id, paymentEventTable.paymentId))
    .where(which)
    .orderBy(asc(paymentEventTable.paymentId), asc(paymentEventTable.id));

const operationQuery = (q: Reader, which: SQL) =>
  q
    .select({
      id: paymentOperationTable.id,
      paymentId: paymentOperationTable.paymentId,
      kind: paymentOperationTable.kind,
      amount: paymentOperationTable.amount,
      status: paymentOperationTable.status,
      requestKey: paymentOperationTable.requestKey,
      actor: paymentOperationTable.actor,
    })
    .from(paymentOperationTable)
    .innerJoin(paymentTable, eq(paymentTable.id, paymentOperationTable.paymentId))
    .where(which)
    .orderBy(asc(paymentOperationTable.id));
