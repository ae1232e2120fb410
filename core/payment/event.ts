import * as z from "zod";
import { defineEvent } from "../kernel/event/index.js";
import { Money } from "../kernel/money.js";
import { OrderId } from "../order/order.sql.js";
import { OperationId, PaymentId } from "./payment.sql.js";

const about = z.object({ paymentId: PaymentId, orderId: OrderId, amount: Money });
/** The operation behind a refund; null when it was made at the provider. */
const refund = about.extend({ reference: z.string(), operationId: z.string().nullable() });

/** The shopper makes another attempt to pay an order. */
export const PaymentAttempted = defineEvent("payment.attempted", about);
export const PaymentActionRequired = defineEvent("payment.action_required", about);
export const PaymentProcessing = defineEvent("payment.processing", about);
export const PaymentAuthorized = defineEvent("payment.authorized", about);
export const PaymentCaptured = defineEvent("payment.captured", about);
export const PaymentVoided = defineEvent("payment.voided", about);
export const PaymentExpired = defineEvent("payment.expired", about);
/** The shopper may try again. */
export const PaymentFailed = defineEvent("payment.failed", about.extend({ code: z.string() }));
/** An unpaid order had so many declined tries that they may be of stolen cards. */
export const PaymentsDeclined = defineEvent("payment.declined_often", about.extend({ declines: z.int() }));
export const PaymentRefunded = defineEvent("payment.refunded", refund);
/** A refund did not arrive, perhaps days after it was made: its amount is the merchant's again. */
export const PaymentRefundFailed = defineEvent("payment.refund_failed", refund);
/** The authorization of a placed order has ended without a capture. */
export const PaymentLost = defineEvent("payment.lost", about);
/** A payment that cannot count for its order goes back. */
export const PaymentReturned = defineEvent("payment.returned", about.extend({ reason: z.string() }));
/** A capture, refund or void that was requested and will never happen. */
export const PaymentOperationFailed = defineEvent(
  "payment.operation_failed",
  about.extend({ operationId: OperationId, kind: z.string(), code: z.string() }),
);

export const paymentEvents = [
  PaymentAttempted,
  PaymentActionRequired,
  PaymentProcessing,
  PaymentAuthorized,
  PaymentCaptured,
  PaymentVoided,
  PaymentExpired,
  PaymentFailed,
  PaymentsDeclined,
  PaymentRefunded,
  PaymentRefundFailed,
  PaymentLost,
  PaymentReturned,
  PaymentOperationFailed,
];
