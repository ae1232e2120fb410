import type { HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { type Context, Hono } from "hono";
import { answer } from "./answer.js";
import type { Api, Incoming, Outgoing } from "./api.js";
import type { Page, Route } from "./engine.js";
import { Failure } from "./failure.js";
import type { Log } from "./log.js";
import { createStore } from "./store.js";

export type Http = Hono<{ Bindings: HttpBindings }>;
type HttpContext = Context<{ Bindings: HttpBindings }>;

interface Parts {
  readonly api: Api;
  readonly log: Log;
  readonly control: Http;
  readonly routes: readonly Route[];
  readonly pages: readonly Page[];
}

/** Characters. */
const largestBody = 1_000_000;

/** CORS headers: Stripe's API accepts browsers from every origin. */
const anywhere = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "authorization, content-type, idempotency-key, stripe-account, stripe-version",
  "access-control-allow-methods": "GET, POST, DELETE",
  "access-control-expose-headers": "Request-Id, Stripe-Version",
};
const html = { ...anywhere, "content-type": "text/html; charset=utf-8", "cache-control": "no-store" };
const plain = { ...anywhere, "content-type": "text/plain; charset=utf-8" };

/** @throws RangeError for a body that is too large */
export async function bodyOf({ req }: HttpContext): Promise<string> {
  const body = req.method === "GET" ? "" : await req.text();
  if (body.length > largestBody) throw new RangeError("Request body too large.");
  return body;
}

const queryOf = ({ req }: HttpContext) => req.url.split("?", 2)[1] ?? "";

const toResponse = ({ status, headers, body }: Outgoing) =>
  new Response(body, { status, headers: { ...anywhere, ...headers } });

/** Answers a request to the API; an unknown URL has no route. */
const run =
  ({ api, log }: Parts, route?: Route) =>
  async (context: HttpContext) => {
    const { req, env } = context;
    const incoming: Incoming = {
      method: req.method,
      path: req.path,
      query: queryOf(context),
      headers: env.incoming.headers,
      body: await bodyOf(context),
      route,
      params: req.param(),
    };
    const reply = await answer(api, log, incoming);
    if (typeof reply === "object") return toResponse(reply);
    if (reply === "cut") env.incoming.socket.destroy();
    return RESPONSE_ALREADY_SENT;
  };

/** Answers a page, with the platform's store. */
const show =
  ({ api }: Parts, page: Page) =>
  async (context: HttpContext) => {
    const query = new URLSearchParams(queryOf(context));
    const form = new URLSearchParams(await bodyOf(context));
    try {
      const reply = page.run({ path: context.req.param(), query, form }, createStore(api.core));
      if ("redirect" in reply)
        return new Response(null, { status: 303, headers: { ...html, location: reply.redirect } });
      return new Response(reply.html, { status: reply.status ?? 200, headers: html });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return new Response(error.message, { status: error.status, headers: plain });
    }
  };

/** Hono takes the first matching route, so `/a/b` precedes `/a/:id`. */
const fixedFirst = <Addressed extends { readonly path: string }>(routes: readonly Addressed[]) =>
  routes.toSorted((a, b) => (a.path < b.path ? 1 : -1));

/** Routes the API, the pages and `/_control`. */
export function createHttp(parts: Parts): Http {
  const app: Http = new Hono();
  app.route("/_control", parts.control);
  app.options("*", () => new Response(null, { status: 204, headers: anywhere }));
  for (const route of fixedFirst(parts.routes)) app.on(route.method, route.path, run(parts, route));
  app.all("/:root{v\\d|oauth}/*", run(parts));
  for (const page of fixedFirst(parts.pages)) app.on(page.method, page.path, show(parts, page));
  app.notFound(
    () => new Response("<!doctype html><title>404</title><h1>Not found</h1>", { status: 404, headers: html }),
  );
  app.onError((error) => {
    const status = error instanceof RangeError ? 413 : 500;
    return new Response(error.stack ?? error.message, { status, headers: plain });
  });
  return app;
}
