import * as z from "zod";
import { defineEvent } from "../kernel/event/index.js";
import { Money } from "../kernel/money.js";
import { OrderId } from "../order/order.sql.js";
import { OperationId, PaymentId } from "./payment.sql.js";

const reference = { paymentId: PaymentId, orderId: OrderId };

export const PaymentAuthorized = defineEvent("payment.authorized", z.object({ ...reference, amount: Money }));
export const PaymentCaptured = defineEvent("payment.captured", z.object({ ...reference, amount: Money }));
export const PaymentRefunded = defineEvent("payment.refunded", z.object({ ...reference, amount: Money }));
/** The shopper may try again. */
export const PaymentFailed = defineEvent("payment.failed", z.object({ ...reference, code: z.string() }));
export const PaymentVoided = defineEvent("payment.voided", z.object(reference));
/** A capture or a refund that was requested and will never happen. */
export const PaymentOperationFailed = defineEvent(
  "payment.operation_failed",
  z.object({ ...reference, operationId: OperationId, kind: z.string(), code: z.string() }),
);

export const paymentEvents = [
  PaymentAuthorized,
  PaymentCaptured,
  PaymentRefunded,
  PaymentFailed,
  PaymentVoided,
  PaymentOperationFailed,
];
