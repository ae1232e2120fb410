import { LimitReached } from "../../core/entitlement/index.js";
import { Usage } from "../../core/entitlement/usage.js";
import { endpoint } from "../http/endpoint.js";
import type { Sweep } from "./module.js";

export const usageRoutes = [
  endpoint(
    "get",
    "/v1/billing/usage",
    {
      allow: "billing:read",
      summary: "Get what the plan allows and what is used of it",
      returns: [200, Usage.UsageRecord],
    },
    () => Usage.get(),
  ),
];

export const usageEvents = [LimitReached];
export const usageSweeps: Sweep[] = [{ name: "usage.recount", run: () => Usage.recount() }];
