import { listOf } from "../../core/kernel/page.js";
import { Report, SalesDay, SalesPage } from "../../core/report/index.js";
import { type Endpoint, endpoint } from "../http/endpoint.js";

export const reportRoutes: Endpoint[] = [
  endpoint(
    "get",
    "/v1/admin/reports/sales",
    {
      allow: "orders:read",
      query: SalesPage,
      returns: [200, listOf(SalesDay)],
      summary: "List sales by day and currency, the newest day first",
    },
    ({ query }) => Report.sales(query),
  ),
];
