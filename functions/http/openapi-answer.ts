import type { RouteConfig } from "@asteasolutions/zod-to-openapi";
import type * as z from "zod";
import type { Endpoint } from "./endpoint.js";

const failures: Readonly<Record<number, string>> = {
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

/** Headers of answers, each described once. */
export const headers = {
  "X-Request-Id": { description: "The id of the request, to be told to support", schema: { type: "string" } },
  ETag: {
    description:
      "The version of the resource and a digest of its contents: it differs whenever the body does. For `If-Match`, which compares the version",
    schema: { type: "string" },
  },
  "Idempotent-Replayed": {
    description: "`true` when the answer is the stored one of an earlier request with this Idempotency-Key",
    schema: { type: "string", enum: ["true"] },
  },
  RateLimit: {
    description: "The bucket that limits this caller most: remaining requests and seconds until it is full again",
    schema: { type: "string" },
  },
  "RateLimit-Policy": {
    description: "The quota of this bucket, and its window in seconds",
    schema: { type: "string" },
  },
  "Retry-After": { description: "Seconds after which a retry may succeed", schema: { type: "integer" } },
} as const;

type Header = keyof typeof headers;

const refs = (names: readonly Header[]) =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));

/** An answer with a version has it in its ETag, too. */
const hasVersion = (schema: z.ZodType | undefined) =>
  "version" in ((schema as { shape?: z.ZodRawShape } | undefined)?.shape ?? {});

/** Headers of the answer of an operation that succeeds. */
export const headersFor = ({ method, spec }: Endpoint) =>
  refs([
    "X-Request-Id",
    ...(hasVersion(spec.returns[1]) ? (["ETag"] as const) : []),
    ...(method !== "get" && spec.idempotency !== "none" ? (["Idempotent-Replayed"] as const) : []),
    ...(spec.allow === "public" ? [] : (["RateLimit", "RateLimit-Policy"] as const)),
  ]);

const nameOf = (status: number) => `Problem${status}`;

const headersOfProblem = (status: number) =>
  refs(["X-Request-Id", ...([429, 503].includes(status) ? (["Retry-After"] as const) : [])]);

/** The refusals, each told once. */
export const problemAnswers = Object.fromEntries(
  Object.entries(failures).map(([status, description]) => [
    nameOf(Number(status)),
    {
      description,
      headers: headersOfProblem(Number(status)),
      content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
    },
  ]),
);

export const problemRefs = (statuses: readonly number[]) =>
  Object.fromEntries(
    statuses.map((status) => [status, { $ref: `#/components/responses/${nameOf(status)}` }]),
  ) as unknown as RouteConfig["responses"];
