import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import { handle } from "hono/aws-lambda";
import { requireConfig } from "../core/kernel/config.js";
import { createApp } from "./http/app.js";
import { modules } from "./modules/index.js";
import { nudgeAfterCommit } from "./nudge.js";

requireConfig("api");
nudgeAfterCommit();

const answer = handle(createApp(modules));

/** The HTTP API behind API Gateway (payload 2.0). */
export const handler = (event: APIGatewayProxyEventV2, context: Context) =>
  answer({ ...withoutBody(event), rawPath: encodePath(event.rawPath) } as never, context as never);

/** The adapter cannot build a GET or HEAD with a body; such a body has no meaning (RFC 9110 §9.3.1). */
function withoutBody(event: APIGatewayProxyEventV2): APIGatewayProxyEventV2 {
  if (!["GET", "HEAD"].includes(event.requestContext.http.method)) return event;
  const { body: _, ...rest } = event;
  return rest;
}

/**
 * API Gateway hands the path over decoded, and the adapter pastes it into a URL: a `#` in it would swallow the query
 * that follows, and a `%` would be decoded twice.
 */
const encodePath = (path: string) =>
  encodeURI(path.replace(/[\uD800-\uDFFF]/gu, "\uFFFD")).replace(/[?#]/g, encodeURIComponent);
