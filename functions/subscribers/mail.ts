import { on } from "../../core/event/index.js";
import { enqueue } from "../../core/job/index.js";
import { Order, OrderPlaced } from "../../core/order/index.js";

export const mailSubscribers = [
  on(OrderPlaced, "mail.order-confirmation", async ({ data: { orderId } }) =>
    enqueue(Order.confirmation, { orderId }, { key: orderId }),
  ),
];
