import * as z from "zod";
import { refreshTokenTable, SessionId, sessionTable } from "../../core/identity/identity.sql.js";
import { Login, login } from "../../core/identity/login.js";
import { changePassword } from "../../core/identity/password-change.js";
import { Session } from "../../core/identity/session.js";
import * as SessionList from "../../core/identity/session-list.js";
import { SLICE } from "../../core/kernel/due.js";
import { invalid } from "../../core/kernel/error.js";
import { endpoint } from "../http/endpoint.js";
import { tenantNames } from "../http/tenant.js";
import type { Alarm } from "./alarm.js";
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
    { allow: "member", endsAccess: true, summary: "Log out", returns: [204] },
    async () => void (await Session.logout()),
  ),
  endpoint(
    "get",
    "/v1/auth/me",
    { allow: "member", summary: "Get the current member", returns: [200, Session.Me] },
    () => Session.me(),
  ),
  endpoint(
    "post",
    "/v1/auth/password",
    {
      allow: "member",
      idempotency: "none",
      transaction: "own",
      summary: "Change the password",
      description: "Ends all other sessions of the member.",
      body: changePassword.schema,
      returns: [204],
    },
    async ({ body }) => void (await changePassword(body)),
  ),
  endpoint(
    "get",
    "/v1/auth/sessions",
    {
      allow: "member",
      findsAccess: true,
      summary: "List the sessions of the current member",
      returns: [200, SessionList.SessionList],
    },
    () => SessionList.list(),
  ),
  endpoint(
    "delete",
    "/v1/auth/sessions",
    { allow: "member", endsAccess: true, summary: "End all other sessions of the current member", returns: [204] },
    async () => void (await SessionList.endOthers()),
  ),
  endpoint(
    "delete",
    "/v1/auth/sessions/{id}",
    {
      allow: "member",
      endsAccess: true,
      summary: "End a session of the current member",
      params: z.strictObject({ id: SessionId }),
      returns: [204],
    },
    async ({ params }) => void (await SessionList.end(params.id)),
  ),
];

const alarms: Alarm[] = [
  {
    name: "Logins",
    metric: "LoginsRefused",
    statistic: "Sum",
    period: 300,
    threshold: 100,
    description: "Logins are refused: a client guesses passwords.",
    action: "Group the lines `identity refused` of the log by tenant, account and address.",
  },
  {
    name: "Refreshes",
    metric: "RefreshesRefused",
    statistic: "Sum",
    period: 300,
    threshold: 50,
    description: "Refresh tokens are refused: some were stolen, or a client repeats old ones.",
    action: "Group the lines `identity refused` of the log by tenant and account.",
  },
  {
    name: "Credentials",
    metric: "CredentialsRefused",
    statistic: "Sum",
    period: 300,
    threshold: 2_000,
    description: "API keys and access tokens are refused: a client guesses them, or does not renew its own.",
    action: "Group the lines `identity refused` of the log by tenant and address.",
  },
];

export const session: Module = {
  name: "session",
  tables: [sessionTable, refreshTokenTable],
  routes,
  alarms,
  sweeps: [{ name: "session.forget", run: Session.deleteExpired, slice: SLICE }],
};
