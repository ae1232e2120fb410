import { on } from "../../core/kernel/event/index.js";
import { enqueue } from "../../core/kernel/job/index.js";
import { Order, OrderPlaced } from "../../core/order/index.js";

export const mailSubscribers = [
  on(OrderPlaced, "mail.order-confirmation", async ({ data: { orderId } }) =>
    enqueue(Order.confirmation, { orderId }, { key: orderId }),
  ),
];
