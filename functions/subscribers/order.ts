import { on } from "../../core/kernel/event/index.js";
import { OrderPlaced } from "../../core/order/index.js";
import { book } from "../../core/order/ledger.js";
import { Report } from "../../core/report/index.js";

export const orderSubscribers = [
  on(OrderPlaced, "order.sales-counter", ({ data }) => Report.countSale(data)),
  on(OrderPlaced, "order.ledger", ({ data }) => book(data)),
];
