import * as z from "zod";
import { config } from "../../core/kernel/config.js";
import type { Failure, FailureKind } from "../../core/kernel/error.js";
import { toSentence } from "../../core/kernel/field-error.js";
import type { StoredAnswer } from "../../core/kernel/idempotency.js";
import { type ProblemInput, writeProblem } from "../problem.js";

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
  provider_fault: 502,
} as const satisfies Record<FailureKind, number>;

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
    more: z.int().optional().meta({ description: "The number of errors that `errors` leaves out" }),
  })
  .meta({ id: "Problem" });

/** A problem whose `type` is the page about its code. */
export const problem = (about: ProblemInput): StoredAnswer =>
  writeProblem(about, `${config.PUBLIC_URL}/docs/errors#${about.code}`);

/** A Failure as its status and body; the same for every route. */
export const failureAnswer = ({ kind, code, message, extra }: Failure, requestId: string): StoredAnswer =>
  problem({
    status: statuses[kind],
    code,
    detail: message,
    requestId,
    errors: extra.errors?.map(toSentence),
    data: extra.data,
    headers: {
      ...(extra.retryAfter ? { "retry-after": String(Math.ceil(extra.retryAfter)) } : {}),
      ...(kind === "unauthenticated" ? { "www-authenticate": 'Bearer realm="stoa"' } : {}),
    },
  });
