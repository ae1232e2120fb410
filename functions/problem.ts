import { STATUS_CODES } from "node:http";
import type { FieldError } from "../core/kernel/error.js";
import type { StoredAnswer } from "../core/kernel/idempotency.js";

/** Node's names of the statuses, but for two that RFC 9110 renamed. */
const titles: typeof STATUS_CODES = { ...STATUS_CODES, 413: "Content Too Large", 422: "Unprocessable Content" };

export interface ProblemInput {
  status: number;
  code: string;
  detail: string;
  requestId: string;
  errors?: readonly FieldError[] | undefined;
  data?: Record<string, unknown> | undefined;
  headers?: Record<string, string>;
}

/** Bytes of a problem. No refusal grows with the request that it refuses. */
export const PROBLEM_LIMIT = 64 * 1024;
/** Errors that are tried first, when all of them are too many. */
const MAX_KEPT = 64;
/** Characters of a detail in a problem that had to be cut. */
const SHORT = 1_000;

/**
 * An answer of type application/problem+json (RFC 9457), of PROBLEM_LIMIT bytes at most.
 * @param type the page about the code; `about:blank` when there is none
 */
export function writeProblem(
  { status, code, detail, requestId, errors, data, headers }: ProblemInput,
  type = "about:blank",
): StoredAnswer {
  const base = { type, title: titles[status], status, detail, code, requestId };
  const whole = JSON.stringify({ ...base, ...data, ...(errors && { errors }) });
  const body = fits(whole) ? whole : shorten(base, errors);
  return { status, headers: { "content-type": "application/problem+json", ...headers }, body };
}

const fits = (text: string) => Buffer.byteLength(text) <= PROBLEM_LIMIT;

/** The problem with as many errors as there is room for. The other data are left out, since nothing bounds them. */
function shorten(base: { detail: string }, errors: readonly FieldError[] = []): string {
  const short = { ...base, detail: base.detail.slice(0, SHORT) };
  for (let kept = Math.min(errors.length, MAX_KEPT); kept > 0; kept = Math.floor(kept / 2)) {
    const more = errors.length - kept;
    const text = JSON.stringify({ ...short, more, errors: errors.slice(0, kept) });
    if (fits(text)) return text;
  }
  return JSON.stringify({ ...short, ...(errors.length > 0 && { more: errors.length }) });
}
