/** The kind of a failure, in the domain's words; the edge alone turns a kind into an HTTP status. */
export type FailureKind =
  | "malformed" // cannot be read at all
  | "invalid" // can be read, does not fit
  | "unauthenticated"
  | "forbidden"
  | "not_found" // unknown and foreign alike
  | "conflict" // decided by the state of the business: sold out, taken, wrong status
  | "in_flight" // the same idempotency key is being worked on
  | "stale" // a version that is no longer current
  | "precondition_required"
  | "too_large"
  | "limited"
  | "unavailable"
  | "provider_fault"; // a provider refuses a call of ours, and the caller cannot correct it

export interface FieldError {
  /** RFC 6901, into the body; or the name of a parameter. */
  pointer: string;
  detail: string;
}

interface Extra {
  errors?: readonly FieldError[];
  /** Seconds. */
  retryAfter?: number;
  /** More members of the problem, such as the current version. */
  data?: Record<string, unknown>;
  /** The error that it stands for; it is logged, and no client sees it. */
  cause?: unknown;
}

/** The one class of expected errors. `code` is stable and documented in docs/errors.md. */
export class Failure extends Error {
  override name = "Failure";

  constructor(
    readonly kind: FailureKind,
    readonly code: string,
    message: string,
    readonly extra: Extra = {},
  ) {
    super(message, { cause: extra.cause });
  }
}

const failure = (kind: FailureKind) => (code: string, message: string, extra?: Extra) =>
  new Failure(kind, code, message, extra);

export const malformed = failure("malformed");
export const invalid = failure("invalid");
export const unauthenticated = failure("unauthenticated");
export const forbidden = failure("forbidden");
export const conflict = failure("conflict");
export const stale = failure("stale");

/** The failure for an id that does not exist; the id of another tenant gets the same answer. */
export const notFound = (what: string) =>
  new Failure("not_found", `${what}.not_found`, `The ${what.replaceAll("_", " ")} does not exist.`);

/**
 * A provider did not answer, or not clearly, so that the outcome of a call is unknown until a later question. A client
 * does not see this error as it is: a route turns it into a 503.
 */
export class OutcomeUnknown extends Error {
  override name = "OutcomeUnknown";
}

/**
 * One field of the request that cannot be accepted, as its schema would refuse it.
 * @param pointer a JSON Pointer (RFC 6901) into the body
 * @param detail continues the sentence that the field's name begins
 */
export const invalidField = (pointer: string, detail: string): Failure =>
  invalid("invalid_request", "The request does not match its schema; see `errors`.", { errors: [{ pointer, detail }] });

/** The 503 of a request whose provider did not answer: the same request may be sent again. */
export const providerUnreachable = (
  code: `${string}.provider_unreachable`,
  provider = "The payment provider",
  cause?: unknown,
): Failure =>
  new Failure(
    "unavailable",
    code,
    `${provider} did not answer. Retry with the same Idempotency-Key after \`Retry-After\` seconds.`,
    { retryAfter: 2, cause },
  );

/** The 502 of a call that the provider refuses for a reason that is not the caller's: the operator is alarmed. */
export const providerFault = (
  code: `${string}.provider_fault`,
  provider = "The payment provider",
  cause?: unknown,
): Failure =>
  new Failure(
    "provider_fault",
    code,
    `${provider} refused a call of ours, and nothing was done. Our staff is alarmed; retry after \`Retry-After\` seconds with another Idempotency-Key.`,
    { retryAfter: 60, cause },
  );
