import { handle } from "../../core/kernel/job/index.js";
import { provisionTestTenant, provisionTestTenantJob, SignedUp, signUp } from "../../core/signup/index.js";
import { endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";

const routes = [
  endpoint(
    "post",
    "/v1/auth/signup",
    {
      allow: "public",
      door: "signup",
      cost: 1,
      idempotency: "none",
      transaction: "own",
      summary: "Sign up a tenant",
      description:
        "Creates a tenant in live mode with its owner and default settings: region, tax, channel, location and shipping option. Its twin in test mode follows within seconds.",
      body: signUp.schema,
      returns: [201, SignedUp],
    },
    ({ body }) => signUp(body),
  ),
];

export const signup: Module = {
  name: "signup",
  routes,
  jobs: [handle(provisionTestTenantJob, provisionTestTenant)],
};
