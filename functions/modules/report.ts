import { on } from "../../core/kernel/event/index.js";
import { listOf } from "../../core/kernel/page.js";
import { OrderCancelled, OrderPlaced } from "../../core/order/index.js";
import { PaymentRefunded, PaymentRefundFailed } from "../../core/payment/index.js";
import { Report, SalesDay, SalesPage } from "../../core/report/index.js";
import { saleFactTable, saleQuarterTable, salesDayTable } from "../../core/report/report.sql.js";
import { type Endpoint, endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";
import { readOrders } from "./order.js";

const routes: Endpoint[] = [
  endpoint(
    "get",
    "/v1/admin/reports/sales",
    {
      allow: readOrders,
      query: SalesPage,
      returns: [200, listOf(SalesDay)],
      summary: "List sales by day and currency, newest day first",
      description:
        "Each fact counts on the day on which it happened: an order when it was placed, a cancellation or a refund when it was made. The sums over all days are those of the ledger.",
    },
    ({ query }) => Report.listSales(query),
  ),
];

export const report: Module = {
  name: "report",
  tables: [saleFactTable, saleQuarterTable, salesDayTable],
  routes,
  subscribers: [
    on(OrderPlaced, "order.sales-counter", ({ data }) => Report.countPlaced(data)),
    on(OrderCancelled, "report.cancellation", ({ data, createdAt }) => Report.countCancelled(data, createdAt)),
    on(PaymentRefunded, "report.refund", ({ data }) => Report.countRefunds(data)),
    on(PaymentRefundFailed, "report.refund-failure", ({ data }) => Report.countRefunds(data)),
  ],
};
