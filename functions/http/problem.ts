import * as z from "zod";
import { config } from "../../core/kernel/config.js";
import type { Failure, FailureKind, FieldError } from "../../core/kernel/error.js";
import type { StoredAnswer } from "../../core/kernel/idempotency.js";

const statuses = {
  malformed: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  in_flight: 409,
  stale: 412,
  too_large: 413,
  invalid: 422,
  precondition_required: 428,
  limited: 429,
  unavailable: 503,
} as const satisfies Record<FailureKind, number>;

const titles: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  412: "Precondition Failed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  428: "Precondition Required",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** RFC 9457, with a stable code, the fields at fault and the request. */
export const Problem = z
  .looseObject({
    type: z.url().meta({ description: "The documentation of this code" }),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().meta({ examples: ["product.slug_taken"] }),
    requestId: z.string(),
    errors: z.array(z.object({ pointer: z.string(), detail: z.string() })).optional(),
  })
  .meta({ id: "Problem" });

interface About {
  status: number;
  code: string;
  detail: string;
  requestId: string;
  errors?: readonly FieldError[] | undefined;
  data?: Record<string, unknown> | undefined;
  headers?: Record<string, string>;
}

/** An answer of type application/problem+json; its `type` is the page about its code. */
export function problem({ status, code, detail, requestId, errors, data, headers }: About): StoredAnswer {
  const type = `${config.PUBLIC_URL}/docs/errors#${code}`;
  const body = {
    type,
    title: titles[status] ?? "Error",
    status,
    detail,
    code,
    requestId,
    ...data,
    ...(errors && { errors }),
  };
  return { status, headers: { "content-type": "application/problem+json", ...headers }, body: JSON.stringify(body) };
}

/** A Failure as its status and body; the same for every route. */
export const failureAnswer = ({ kind, code, message, extra }: Failure, requestId: string): StoredAnswer =>
  problem({
    status: statuses[kind],
    code,
    detail: message,
    requestId,
    errors: extra.errors,
    data: extra.data,
    headers: {
      ...(extra.retryAfter ? { "retry-after": String(Math.ceil(extra.retryAfter)) } : {}),
      ...(kind === "unauthenticated" ? { "www-authenticate": 'Bearer realm="stoa"' } : {}),
    },
  });
