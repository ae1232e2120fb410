import type { IncomingMessage, ServerResponse } from "node:http";
import type { Control } from "../control/control.js";
import { answer } from "./answer.js";
import type { Api, Incoming, Outgoing } from "./api.js";
import type { Page } from "./engine.js";
import { Failure } from "./failure.js";
import type { Log } from "./log.js";
import type { Router } from "./router.js";
import { createWorld } from "./world.js";

export interface FrontDoor {
  readonly api: Api;
  readonly log: Log;
  readonly control: Control;
  readonly pages: Router<Page>;
}

const limit = 1_000_000;

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new RangeError("Request body too large.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Browsers reach Stripe's API from any page. */
const anywhere = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "authorization, content-type, idempotency-key, stripe-account, stripe-version",
  "access-control-allow-methods": "GET, POST, DELETE",
  "access-control-expose-headers": "Request-Id, Stripe-Version",
};
const html = { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" };

/** What a person sees; a page's world is the platform's, and the page finds whose object it shows. */
function show({ api, pages }: FrontDoor, incoming: Incoming): Outgoing {
  const match = pages(incoming.method, incoming.path);
  if (!match) return { status: 404, headers: html, body: "<!doctype html><title>404</title><h1>Not found</h1>" };
  const query = new URLSearchParams(incoming.query);
  const form = new URLSearchParams(incoming.body);
  try {
    const reply = match.route.run({ path: match.path, query, form }, createWorld(api.core));
    if ("redirect" in reply) return { status: 303, headers: { ...html, location: reply.redirect }, body: "" };
    return { status: reply.status ?? 200, headers: html, body: reply.html };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { status: error.status, headers: { "content-type": "text/plain; charset=utf-8" }, body: error.message };
  }
}

function dispatch(door: FrontDoor, incoming: Incoming) {
  const { method, path } = incoming;
  if (path === "/_control" || path.startsWith("/_control/")) return door.control(incoming);
  if (method === "OPTIONS") return { status: 204, headers: {}, body: "" };
  if (/^\/(v\d|oauth)(\/|$)/.test(path)) return answer(door.api, door.log, incoming);
  return show(door, incoming);
}

/** Tells the API, the pages and the switches apart. */
export const createFrontDoor = (door: FrontDoor) => async (request: IncomingMessage, response: ServerResponse) => {
  try {
    const { pathname, search } = new URL(request.url ?? "/", "http://stripe");
    const body = await read(request);
    const { method = "GET", headers } = request;
    const reply = await dispatch(door, { method, path: pathname, query: search.slice(1), headers, body });
    if (reply === "cut") request.socket.destroy();
    if (typeof reply !== "object") return;
    response.writeHead(reply.status, { ...anywhere, ...reply.headers }).end(reply.body);
  } catch (error) {
    if (response.headersSent) response.destroy();
    else response.writeHead(error instanceof RangeError ? 413 : 500).end(String((error as Error).stack));
  }
};
