import { on } from "../../core/kernel/event/index.js";
import { listOf } from "../../core/kernel/page.js";
import { OrderPlaced } from "../../core/order/index.js";
import { Report, SalesDay, SalesPage } from "../../core/report/index.js";
import { salesDayTable } from "../../core/report/report.sql.js";
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
    },
    ({ query }) => Report.listSales(query),
  ),
];

export const report: Module = {
  name: "report",
  tables: [salesDayTable],
  routes,
  subscribers: [on(OrderPlaced, "order.sales-counter", ({ data }) => Report.countSale(data))],
};
