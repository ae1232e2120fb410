import { SignedUp, signup as signUp, tenantJobs } from "../../core/signup/index.js";
import { endpoint } from "../http/endpoint.js";
import type { Module } from "./module.js";

const routes = [
  endpoint(
    "post",
    "/v1/auth/signup",
    {
      allow: "public",
      idempotency: "none",
      transaction: "own",
      summary: "Open a tenant",
      description: "Makes a tenant in live mode, its owner, and what it needs to sell. Its twin for test mode follows.",
      body: signUp.schema,
      returns: [201, SignedUp],
    },
    ({ body }) => signUp(body),
  ),
];

export const signup: Module = {
  name: "signup",
  routes,
  jobs: tenantJobs,
};
