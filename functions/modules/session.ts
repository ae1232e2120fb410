import { refreshTokenTable, sessionTable } from "../../core/identity/identity.sql.js";
import { Login, login } from "../../core/identity/login.js";
import { Session } from "../../core/identity/session.js";
import { SLICE } from "../../core/kernel/due.js";
import { invalid } from "../../core/kernel/error.js";
import { endpoint } from "../http/endpoint.js";
import { tenantNames } from "../http/tenant.js";
import type { Module } from "./module.js";

/** A hash takes 30 ms of a core and 19 MiB. */
const LOGIN_COST = 10;
const withoutCredential = { allow: "public", door: "auth", idempotency: "none", transaction: "own" } as const;

const routes = [
  endpoint(
    "post",
    "/v1/auth/login",
    { ...withoutCredential, cost: LOGIN_COST, summary: "Log in", body: Login, returns: [200, Session.Tokens] },
    ({ body: { tenant, ...rest }, http }) => {
      const named = tenantNames({ headers: http.req.raw.headers, query: new URL(http.req.url).searchParams });
      const tenants = [...(tenant ? [tenant] : []), ...named];
      if (tenants.length > 0) return login({ tenants, ...rest });
      throw invalid("invalid_request", "The request does not match its schema; see `errors`.", {
        errors: [{ pointer: "/tenant", detail: "is required, unless `x-tenant-id` or `?tenant=` names the tenant" }],
      });
    },
  ),
  endpoint(
    "post",
    "/v1/auth/refresh",
    {
      ...withoutCredential,
      summary: "Exchange a refresh token",
      description: "A refresh token can be used once. Reuse ends the session, unless it happens within 10 seconds.",
      body: Session.refresh.schema,
      returns: [200, Session.Tokens],
    },
    ({ body }) => Session.refresh(body),
  ),
  endpoint(
    "post",
    "/v1/auth/logout",
    { allow: "member", summary: "Log out", returns: [204] },
    async () => void (await Session.logout()),
  ),
  endpoint(
    "get",
    "/v1/auth/me",
    { allow: "member", summary: "Get the current member", returns: [200, Session.Me] },
    () => Session.me(),
  ),
];

export const session: Module = {
  name: "session",
  tables: [sessionTable, refreshTokenTable],
  routes,
  sweeps: [{ name: "session.forget", run: Session.deleteExpired, slice: SLICE }],
};
