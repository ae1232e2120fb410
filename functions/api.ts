import type { APIGatewayProxyEventV2, Context } from "aws-lambda";
import { type APIGatewayProxyResult, handle, type LambdaContext, type LambdaEvent } from "hono/aws-lambda";
import { requireConfig } from "../core/kernel/config.js";
import { openConnection } from "../core/kernel/database.js";
import { createApp } from "./http/app.js";
import { encodeAnswer } from "./http/compression.js";
import { fixedHeaders } from "./http/headers.js";
import { modules } from "./modules/index.js";
import { nudgeAfterCommit } from "./nudge.js";

requireConfig("api");
openConnection();
nudgeAfterCommit();

const answer = handle(createApp(modules));
const fixed = fixedHeaders();

/** The HTTP API behind API Gateway (payload 2.0). */
export async function handler(event: APIGatewayProxyEventV2, context: Context) {
  const request = { ...withoutBody(event), rawPath: encodePath(event.rawPath) };
  const result: APIGatewayProxyResult = await answer(
    request as unknown as LambdaEvent,
    context as unknown as LambdaContext,
  );
  const { method, path } = event.requestContext.http;
  const headers = { ...(await fixed), ...result.headers } as Record<string, string>; // no header has two values
  return encodeAnswer({ method, path, headers: event.headers }, { ...result, headers });
}

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
