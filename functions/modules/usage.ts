import { usageTable } from "../../core/entitlement/entitlement.sql.js";
import { LimitReached } from "../../core/entitlement/index.js";
import { Usage } from "../../core/entitlement/usage.js";
import { endpoint } from "../http/endpoint.js";
import { readBilling } from "./billing.js";
import type { Module } from "./module.js";

const routes = [
  endpoint(
    "get",
    "/v1/billing/usage",
    {
      allow: readBilling,
      summary: "Get the plan's limits and their usage",
      returns: [200, Usage.UsageRecord],
    },
    () => Usage.get(),
  ),
];

export const usage: Module = {
  name: "usage",
  tables: [usageTable],
  routes,
  events: [LimitReached],
  sweeps: [{ name: "usage.recount", run: () => Usage.recount() }],
};
