import { OpenAPIRegistry, OpenApiGeneratorV31, type RouteConfig } from "@asteasolutions/zod-to-openapi";
import * as z from "zod";
import type { Allow, Endpoint, Spec } from "./endpoint.js";
import { Problem } from "./problem.js";

const security: Record<Extract<Allow, string>, RouteConfig["security"]> = {
  public: [],
  tenant: [],
  shopper: [{ publishableKey: [] }, { secretKey: [] }],
  member: [{ accessToken: [] }],
};
const securityOf = (allow: Allow) =>
  typeof allow === "string" ? security[allow] : [{ accessToken: [] }, { secretKey: [] }];

const failures: Record<number, string> = {
  400: "Bad request: malformed JSON, cursor, header or Idempotency-Key",
  401: "No credential, or an invalid one",
  403: "Not allowed by role, scope, plan or the tenant's status",
  404: "Not found in this tenant",
  409: "Conflict with the current state, or the first request with this Idempotency-Key is still running",
  412: "The version in If-Match is not current",
  413: "The body is too large",
  422: "The request does not match its schema, or the Idempotency-Key was used for another request",
  428: "If-Match is missing",
  429: "Too many requests",
  503: "The database or the payment provider cannot be reached; retry",
};

function statusesOf({ method, spec }: Endpoint): number[] {
  const write = method !== "get";
  return [
    400,
    401,
    ...(spec.allow === "public" ? [] : [403]),
    ...(spec.allow === "public" ? [] : [404]), // also where there is one of a kind, and it is not there
    ...(write ? [409, 413] : []),
    ...(spec.ifMatch ? [412] : []),
    422,
    ...(spec.ifMatch === "required" ? [428] : []),
    429,
    503,
  ];
}

function headersOf({ method, spec }: Endpoint) {
  const key = z.string().min(1).max(255);
  const write = method !== "get" && spec.idempotency !== "none";
  const about = "A retry with the same key returns the first answer. Kept for 72 hours.";
  const described = {
    ...(write && {
      "idempotency-key": (spec.idempotency === "required" ? key : key.optional()).meta({ description: about }),
    }),
  };
  const version = z
    .string()
    .regex(spec.tag ? /^"?\d+(-[\w-]{22})?"?$/ : /^"?\d+"?$/)
    .meta({ description: "The version of the resource that you have read, or its ETag", examples: ['"1"'] });
  return z.object({
    ...described,
    ...(spec.cartToken && {
      "x-cart-token": z
        .string()
        .min(1)
        .max(200)
        .meta({ description: "The token of the cart, which also gives access to its order" }),
    }),
    ...(spec.ifMatch === "required" && { "if-match": version }),
    ...(spec.ifMatch === "optional" && { "if-match": version.optional() }),
    ...(spec.allow === "tenant" && {
      "x-tenant-id": z.string().max(100).optional().meta({ description: "Id or slug of the tenant" }),
    }),
  });
}

const answers = ({ returns: [status, schema] }: Spec) => ({
  [status]: schema
    ? { description: "Success", content: { "application/json": { schema } } }
    : { description: "Success" },
});

/** `GET /v1/admin/products/{id}` → `getAdminProductsById`: stable, unique, and named after the path. */
function operationId({ method, path }: Endpoint): string {
  const words = path.replace(/^\/v1/, "").split("/").filter(Boolean);
  const named = words.map((word) => (word.startsWith("{") ? `By-${word.slice(1, -1)}` : word)).join("-");
  return method + named.replace(/(^|-)(\w)/g, (_, __, letter: string) => letter.toUpperCase());
}

/** `/v1/admin/products/{id}` belongs to `admin · products`. */
const tagOf = (path: string) =>
  path
    .split("/")
    .slice(2, 4)
    .filter((word) => !word.startsWith("{"))
    .join(" · ");

/** The operation as OpenAPI describes it. */
function openApiPath(endpoint: Endpoint): RouteConfig {
  const { method, path, spec } = endpoint;
  const problems = statusesOf(endpoint).map((status) => [
    status,
    { description: failures[status], content: { "application/problem+json": { schema: Problem } } },
  ]);
  return {
    method,
    path,
    operationId: operationId(endpoint),
    tags: [tagOf(path)],
    summary: spec.summary,
    ...(spec.description && { description: spec.description }),
    security: securityOf(spec.allow),
    "x-allow": typeof spec.allow === "string" ? spec.allow : spec.allow.name, // the scope that it takes, which OpenAPI can say for OAuth only
    request: {
      ...(spec.params && { params: spec.params }),
      ...(spec.query && { query: spec.query }),
      headers: headersOf(endpoint),
      ...(spec.body && { body: { required: true, content: { "application/json": { schema: spec.body } } } }),
    },
    responses: { ...Object.fromEntries(problems), ...answers(spec) },
  } as RouteConfig;
}

/** The whole document, OpenAPI 3.1. */
export function document(endpoints: readonly Endpoint[]) {
  const registry = new OpenAPIRegistry();
  for (const endpoint of endpoints) registry.registerPath(openApiPath(endpoint));
  const bearer = (description: string) => ({ type: "http" as const, scheme: "bearer", description });
  registry.registerComponent("securitySchemes", "accessToken", bearer("A member's access token, from /v1/auth/login"));
  registry.registerComponent("securitySchemes", "secretKey", bearer("A secret key, `sk_…`, for servers only"));
  registry.registerComponent(
    "securitySchemes",
    "publishableKey",
    bearer("A publishable key, `pk_…`, for storefronts in a browser"),
  );
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: "3.1.0",
    info: {
      title: "Stoa",
      version: "1.0.0",
      description:
        "Multi-tenant commerce. Amounts are integers in minor units, errors are RFC 9457 problems, lists are paginated with cursors, and writes accept an Idempotency-Key.",
      license: { name: "Proprietary", url: "/docs" },
    },
    servers: [{ url: "/" }],
  });
}
