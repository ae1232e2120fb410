import { setTimeout as sleep } from "node:timers/promises";
import {
  type Api,
  claim,
  execute,
  type Incoming,
  newRequestId,
  type Outgoing,
  type Prepared,
  prepare,
  unclaim,
} from "./api.js";
import type { Fault } from "./chaos.js";
import { Failure } from "./failure.js";
import type { Remembered } from "./idempotency.js";
import type { Log } from "./log.js";
import { apiVersion } from "./store.js";

/** An answer, a cut connection, or one that stays open without an answer. */
export type Answer = Outgoing | "cut" | "hang";

const apiError = (status: number, message: string) => new Failure(status, { type: "api_error", message });

/** Refusals before the request runs. @see https://docs.stripe.com/rate-limits */
const refusals: { [Kind in Fault["kind"]]?: (fault: Fault) => Failure } = {
  refuse: ({ status = 400, error = { type: "invalid_request_error", message: "Refused." }, retry: again = false }) =>
    new Failure(status, error, { "stripe-should-retry": String(again) }),
  unavailable: () => apiError(503, "Stripe is temporarily unavailable. Please try again."),
  rate_limit: () =>
    new Failure(429, {
      type: "invalid_request_error",
      code: "rate_limit",
      message: "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
    }),
  lock_timeout: () =>
    new Failure(
      429,
      {
        type: "invalid_request_error",
        code: "lock_timeout",
        message:
          "This object cannot be accessed right now because another API request or Stripe process is currently accessing it. If you see this error intermittently, retry the request. If you see this error frequently and are making multiple concurrent requests to a single object, make your requests serially or at a lower rate.",
      },
      { "stripe-should-retry": "true" },
    ),
  conflict: () =>
    new Failure(
      409,
      {
        type: "idempotency_error",
        code: "idempotency_key_in_use",
        message: "There is currently another in-progress request using this Stripe-Idempotent-Key.",
      },
      { "stripe-should-retry": "true" },
    ),
};

/** `Stripe-Should-Retry: false` for errors that a retry would repeat. */
const retry = (status: number) =>
  status === 200 || status === 409 || status === 429 || status === 503 ? {} : { "stripe-should-retry": "false" };

function respond(id: string, incoming: Incoming, result: { status: number; body: string }, extra: object = {}) {
  const echoed = ["stripe-account", "idempotency-key"].flatMap((name) => {
    const value = incoming.headers[name];
    return typeof value === "string" ? [[name, value]] : [];
  });
  const headers = {
    "content-type": "application/json",
    "request-id": id,
    "stripe-version": apiVersion,
    ...Object.fromEntries(echoed),
    ...retry(result.status),
    ...extra,
  };
  return { ...result, headers };
}

const replay = (id: string, incoming: Incoming, { status, body, request }: Remembered) =>
  respond(id, incoming, { status, body }, { "idempotent-replayed": "true", "original-request": request });

const failed = (id: string, incoming: Incoming, { status, payload, headers }: Failure) =>
  respond(id, incoming, { status, body: JSON.stringify(payload, null, 2) }, headers);

/** The end of a connection whose answer is lost. */
const lost = (fault: Fault | undefined) =>
  fault?.kind === "cut_after" ? "cut" : fault?.kind === "hang_after" ? "hang" : undefined;

async function proceed(api: Api, prepared: Prepared, incoming: Incoming, fault: Fault | undefined): Promise<Answer> {
  const { id } = prepared;
  const known = claim(api, prepared);
  if (known) return lost(fault) ?? replay(id, incoming, known);
  try {
    const ms = api.core.disorder.chaos.latencyMs + (fault?.kind === "slow" ? (fault.ms ?? 1000) : 0);
    if (ms > 0) await sleep(ms);
    const result = execute(api, prepared, fault);
    api.core.journal.flush();
    return lost(fault) ?? respond(id, incoming, result);
  } catch (error) {
    unclaim(api, prepared);
    throw error;
  }
}

async function reply(api: Api, id: string, incoming: Incoming, fault: Fault | undefined): Promise<Answer> {
  if (fault?.kind === "cut_before") return "cut";
  if (fault?.kind === "hang_before") return "hang";
  try {
    const refusal = fault && refusals[fault.kind]?.(fault);
    if (refusal) throw refusal;
    return await proceed(api, prepare(api, id, incoming), incoming, fault);
  } catch (error) {
    if (error instanceof Failure) return failed(id, incoming, error);
    if (error instanceof URIError) return failed(id, incoming, new Failure(400, malformed));
    // A defect of the stand-in carries its stack, so that it is not taken for an error of Stripe.
    const message = `The stand-in failed: ${(error as Error).stack ?? String(error)}`;
    return failed(id, incoming, apiError(500, message));
  }
}
const malformed = { type: "invalid_request_error", message: "Invalid request: malformed escape sequence." } as const;

const text = (value: string | string[] | undefined) => (typeof value === "string" ? value : undefined);

/** Answers one request to the API, with the fault that applies to it. */
export async function answer(api: Api, log: Log, incoming: Incoming): Promise<Answer> {
  const id = newRequestId();
  const { method, path, headers } = incoming;
  const account = text(headers["stripe-account"]);
  const idempotencyKey = text(headers["idempotency-key"]);
  const form = method === "POST" ? incoming.body : incoming.query;
  const entry = log.add({ id, method, path, account, idempotencyKey, agent: text(headers["user-agent"]), form });
  const fault = api.core.disorder.meet({ method, path, ...(account && { account }) });
  if (fault) entry.fault = fault.kind;
  const result = await reply(api, id, incoming, fault);
  if (typeof result === "object") {
    entry.status = result.status;
    if ("idempotent-replayed" in result.headers) entry.replayed = true;
  }
  return result;
}
