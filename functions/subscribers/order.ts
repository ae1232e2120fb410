import { on } from "../../core/event/index.js";
import { book } from "../../core/order/books.js";
import { OrderPlaced } from "../../core/order/index.js";
import { Report } from "../../core/report/index.js";

export const orderSubscribers = [
  on(OrderPlaced, "order.sales-counter", ({ data }) => Report.countSale(data)),
  on(OrderPlaced, "order.ledger", ({ data }) => book(data)),
];
