import { on } from "../../core/kernel/event/index.js";
import { enqueue, handle } from "../../core/kernel/job/index.js";
import { Order, OrderCancelled, OrderPlaced } from "../../core/order/index.js";
import { PaymentRefunded } from "../../core/payment/index.js";
import type { Module } from "./module.js";

/** The mails to the shopper of an order. */
export const orderMail = {
  subscribers: [
    on(OrderPlaced, "mail.order-confirmation", async ({ data: { orderId } }) =>
      enqueue(Order.confirmationMailJob, { orderId }, { key: orderId }),
    ),
    // An order that was never placed had no confirmation, and a stranger can make and cancel as many as the limits allow.
    on(OrderCancelled, "mail.order-cancelled", async ({ id: key, data: { orderId, total, placedAt } }) => {
      if (placedAt !== null) enqueue(Order.cancellationMailJob, { orderId, amount: total }, { key });
    }),
    on(PaymentRefunded, "mail.payment-refunded", async ({ id: key, data: { orderId, amount } }) =>
      enqueue(Order.refundMailJob, { orderId, amount }, { key }),
    ),
  ],
  jobs: [
    handle(Order.confirmationMailJob, Order.sendConfirmation),
    handle(Order.cancellationMailJob, Order.mailCancellation),
    handle(Order.refundMailJob, Order.mailRefund),
  ],
} satisfies Partial<Module>;
