import { Hono } from "hono";
import { cors } from "hono/cors";
import { secureHeaders } from "hono/secure-headers";

/** The policy of answers that are data; a page has a policy of its own. */
const POLICY = "default-src 'none'; frame-ancestors 'none'";

/** The headers that choose between answers: a cache that keeps one in spite of `no-store` must not mix callers. */
const VARY = "accept-encoding, authorization, x-api-key, x-cart-token, x-tenant-id";

/** CORS (Fetch standard): answers a preflight, and adds its headers to other answers. */
export const allowAnyOrigin = cors({
  origin: "*", // credentials travel in headers that a page must set by itself, never in cookies
  allowHeaders: [
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "traceparent",
    "x-api-key",
    "x-cart-token",
    "x-tenant-id",
  ],
  allowMethods: ["GET", "POST", "PUT", "PATCH", "DELETE"],
  exposeHeaders: ["etag", "idempotent-replayed", "ratelimit", "ratelimit-policy", "retry-after", "x-request-id"],
  maxAge: 86_400,
});

/**
 * The headers that are the same in every answer. They are made once and added to the answer as Lambda gets it, because
 * twenty calls of `Headers.set()` cost a tenth of a small request.
 */
export async function fixedHeaders(): Promise<Record<string, string>> {
  const sample = new Hono().use(secureHeaders()).use(allowAnyOrigin);
  const { headers } = await sample.get("/", (c) => c.body(null)).request("/");
  return { "content-security-policy": POLICY, "cache-control": "no-store", vary: VARY, ...Object.fromEntries(headers) };
}
