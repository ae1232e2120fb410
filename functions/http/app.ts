import { randomUUID } from "node:crypto";
import { Hono, type MiddlewareHandler } from "hono";
import { context, withContext } from "../../core/kernel/actor.js";
import { config } from "../../core/kernel/config.js";
import { Failure } from "../../core/kernel/error.js";
import type { StoredAnswer } from "../../core/kernel/idempotency.js";
import { count, log, logMeasured } from "../log.js";
import type { Module } from "../modules/module.js";
import { docsRoutes } from "./docs.js";
import { errorCodes } from "./document.js";
import type { Endpoint } from "./endpoint.js";
import { allowAnyOrigin } from "./headers.js";
import { healthRoutes } from "./health.js";
import type { App, AppEnv } from "./hono.js";
import { document } from "./openapi.js";
import { readExamples } from "./openapi-example.js";
import { runOperation } from "./operation.js";
import { failureAnswer, problem } from "./problem.js";
import { rateHeaders } from "./rate-limit.js";
import { recordRefusal } from "./refusal.js";

const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Gives each request its context, its id and its headers, and reports how long it took. */
const observeRequest: MiddlewareHandler<AppEnv> = async (c, next) => {
  const started = performance.now();
  const trace = c.req.header("traceparent");
  const traceparent = trace && TRACEPARENT.test(trace) ? { traceparent: trace } : {};
  const requestId = `req_${randomUUID().replaceAll("-", "")}`;
  const gateway = c.env?.event?.requestContext as Gateway | undefined;
  const known = { ...traceparent, ...(gateway?.requestId && { gatewayRequestId: gateway.requestId }) };
  await withContext({ requestId, address: gateway?.http?.sourceIp ?? "", ...known }, async () => {
    if (c.req.method === "OPTIONS") c.res = (await allowAnyOrigin(c, next)) ?? c.res;
    else await next();
    const { headers } = c.res; // c.header() would make a new Response for each of them
    headers.set("x-request-id", requestId);
    for (const [name, value] of Object.entries(rateHeaders(context().rate))) headers.set(name, value);
    access(c.req.method, c.req.routePath, c.res.status, performance.now() - started);
  });
};

/** The HTTP API of all modules. */
export function createApp(modules: readonly Module[]): App {
  const app: App = new Hono({ strict: false });
  const endpoints = modules.flatMap((module) => module.routes ?? []);
  app.use(observeRequest);
  for (const endpoint of endpoints) {
    requireDoor(endpoint);
    app.on(endpoint.method.toUpperCase(), endpoint.path.replace(/\{(\w+)\}/g, ":$1"), (c) => runOperation(endpoint, c));
  }
  healthRoutes(app);
  const events = modules.flatMap((module) => module.events ?? []);
  docsRoutes(app, () =>
    document(endpoints, { events, codes: errorCodes(), examples: readExamples(), url: config.PUBLIC_URL }),
  );
  refuseMethods(app);
  app.notFound(() =>
    respond(
      problem({
        status: 404,
        code: "route_unknown",
        detail: "No operation has this path.",
        requestId: context().requestId,
      }),
    ),
  );
  app.onError((error, c) => {
    if (error instanceof Failure) recordRefusal(error, c);
    return respond(answerTo(error));
  });
  return app;
}

/** @throws Error for an operation that nothing would limit */
function requireDoor({ method, path, spec }: Endpoint): void {
  if ((spec.allow === "public") === (spec.door !== undefined)) return;
  throw new Error(`${method.toUpperCase()} ${path}: an operation that is public has a door, and no other one has.`);
}

const respond = ({ status, headers, body }: StoredAnswer) => new Response(body, { status, headers });

/** Expected errors become problems; of the others only the request id gets out. */
function answerTo(error: Error): StoredAnswer {
  const { requestId } = context();
  if (error instanceof Failure) {
    reportFailure(error);
    return failureAnswer(error, requestId);
  }
  log.error("unexpected error", { error });
  count("UnexpectedErrors");
  const detail = "An unexpected error occurred on our side. Contact support with the request id.";
  return problem({ status: 500, code: "internal_error", detail, requestId });
}

/** An outage of a provider is measured, and a call of ours that it refuses is for the operator to correct. */
function reportFailure({ kind, code, cause }: Failure): void {
  if (kind === "provider_fault") {
    count("ProviderFaults");
    log.error("provider refused", { code, error: cause });
  }
  if (kind !== "unavailable") return;
  if (code.endsWith(".provider_unreachable")) count("ProviderUnreachable");
  log.warn("unavailable", { code, ...(cause !== undefined && { error: cause }) });
}

/** A known path with another method is 405 with Allow (RFC 9110 §15.5.6). */
function refuseMethods(app: App): void {
  const allowed = new Map<string, Set<string>>();
  for (const { method, path } of app.routes) {
    if (method === "ALL") continue;
    allowed.set(path, (allowed.get(path) ?? new Set()).add(method));
  }
  for (const [path, methods] of allowed) {
    app.all(path, () => {
      const allow = [...methods, ...(methods.has("GET") ? ["HEAD"] : []), "OPTIONS"].join(", ");
      const { requestId } = context();
      const detail = `This path supports ${allow}.`;
      return respond(problem({ status: 405, code: "method_not_allowed", detail, requestId, headers: { allow } }));
    });
  }
}

/** The part of the event that API Gateway fills in, which no client can forge. */
interface Gateway {
  requestId?: string;
  http?: { sourceIp?: string };
}

function access(method: string, route: string, status: number, milliseconds: number): void {
  const duration = Math.round(milliseconds * 10) / 10;
  const outcome = `${Math.floor(status / 100)}xx`;
  const metrics = { Latency: [duration, "Milliseconds"] } as const;
  logMeasured("request", { method, route, status, duration }, metrics, { operation: `${method} ${route}`, outcome });
}
