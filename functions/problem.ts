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

/**
 * An answer of type application/problem+json (RFC 9457).
 * @param type the page about the code; `about:blank` when there is none
 */
export function writeProblem(
  { status, code, detail, requestId, errors, data, headers }: ProblemInput,
  type = "about:blank",
): StoredAnswer {
  const body = { type, title: titles[status], status, detail, code, requestId, ...data, ...(errors && { errors }) };
  return { status, headers: { "content-type": "application/problem+json", ...headers }, body: JSON.stringify(body) };
}
