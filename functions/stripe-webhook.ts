import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { context, withContext } from "../core/kernel/actor.js";
import { config, isProduction, requireConfig } from "../core/kernel/config.js";
import { Failure } from "../core/kernel/error.js";
import type { StripeEndpoint } from "../core/stripe/event.js";
import { isSigned } from "../core/stripe/signature.js";
import { parseEvent, storeEvent, type WebhookEvent } from "../core/stripe/webhook-event.js";
import "./modules/index.js";
import { count, log, measure } from "./log.js";
import { nudge } from "./nudge.js";
import { type ProblemInput, writeProblem } from "./problem.js";

requireConfig("stripe");

/** Bytes of a decoded body; Stripe's largest events are far below it. */
const BODY_LIMIT = 256 * 1024;

const endpoints = new Map<string, StripeEndpoint>([
  ["/platform", "platform"],
  ["/connect", "connect"],
]);
interface SigningSecret {
  secret: string;
  /** The mode whose events it signs; undefined for both, which only a stage for trying has. */
  livemode: boolean | undefined;
}

function signingSecret(text: string): SigningSecret {
  const [, mode, secret = ""] = /^(?:(live|test):)?(.+)$/.exec(text) ?? [];
  return { secret, livemode: mode === undefined ? isProduction() || undefined : mode === "live" };
}

/** The secrets of one endpoint only: an event for the other endpoint is refused here, even with a valid signature. */
const secretsOf = (endpoint: StripeEndpoint): SigningSecret[] =>
  (endpoint === "connect" ? config.STRIPE_CONNECT_WEBHOOK_SECRETS : config.STRIPE_WEBHOOK_SECRETS)
    .split(",")
    .map(signingSecret);

type Answer = APIGatewayProxyStructuredResultV2;
const now = () => Math.floor(Date.now() / 1000);

/** Only Stripe reads it, so it names no page about its code. */
function problem(about: Omit<ProblemInput, "requestId">): Answer {
  const { status, headers, body } = writeProblem({ ...about, requestId: context().requestId });
  return { statusCode: status, headers, body };
}

/** A Lambda URL of its own: Stripe's events are verified, stored and answered here; the work is done behind the queue. */
export const handler = (event: APIGatewayProxyEventV2): Promise<Answer> =>
  withContext({ requestId: event.requestContext.requestId }, async () => {
    try {
      return await answer(event);
    } catch (error) {
      return failureResponse(error);
    }
  });

function failureResponse(error: unknown): Answer {
  if (error instanceof Failure && error.kind === "malformed") {
    // The event is signed, but differs from Stripe's documentation: Stripe sends it again for three days, and the
    // operator must look at it.
    count("StripeEventsMalformed");
    log.error("stripe event malformed", error.extra.data);
    return problem({ status: 400, code: error.code, detail: error.message });
  }
  if (error instanceof Failure && error.kind === "unavailable") {
    log.warn("unavailable", { code: error.code });
    const headers = { "retry-after": String(error.extra.retryAfter ?? 1) };
    return problem({ status: 503, code: error.code, detail: error.message, headers });
  }
  log.error("unexpected error", { error });
  count("UnexpectedErrors");
  return problem({ status: 500, code: "internal_error", detail: "An unexpected error occurred on our side." });
}

async function answer({
  rawPath,
  requestContext: { http },
  headers,
  body = "",
  isBase64Encoded,
}: APIGatewayProxyEventV2) {
  const endpoint = endpoints.get(rawPath);
  if (!endpoint) return problem({ status: 404, code: "route_unknown", detail: "No operation has this path." });
  if (http.method !== "POST") {
    const detail = "Send events with POST.";
    return problem({ status: 405, code: "method_not_allowed", detail, headers: { allow: "POST" } });
  }
  const bytes = Buffer.from(body, isBase64Encoded ? "base64" : "utf8");
  if (bytes.length > BODY_LIMIT) {
    const detail = `The event exceeds ${BODY_LIMIT} bytes.`;
    return problem({ status: 413, code: "body_too_large", detail });
  }
  const isSignedBy = (secrets: readonly SigningSecret[]) =>
    isSigned(
      bytes,
      headers["stripe-signature"],
      secrets.map(({ secret }) => secret),
      now(),
    );
  const secrets = secretsOf(endpoint);
  if (!isSignedBy(secrets)) return refuseSignature(endpoint);
  const incoming = parseEvent(bytes, endpoint);
  const isOfMode = isSignedBy(secrets.filter(({ livemode = incoming.livemode }) => livemode === incoming.livemode));
  // Whoever has the secret of test mode cannot speak of live tenants.
  if (!isOfMode && incoming.livemode) return refuseSignature(endpoint);
  const status = isOfMode ? await storeAndReport(incoming) : ignoreTestEvent(incoming);
  return { statusCode: 200, headers: { "content-type": "application/json" }, body: JSON.stringify({ status }) };
}

function refuseSignature(endpoint: StripeEndpoint): Answer {
  count("StripeSignatureFailures");
  log.warn("stripe signature refused", { endpoint });
  const detail = "Stripe-Signature is missing, does not match this endpoint's secret, or is too old.";
  return problem({ status: 400, code: "stripe_event.signature_invalid", detail });
}

/** Stripe sends the test events of connected accounts to the live endpoint as well; the one of test mode gets them, too. */
function ignoreTestEvent({ id: eventId, type, endpoint }: WebhookEvent): "ignored" {
  log.info("stripe event of the other mode ignored", { eventId, type, endpoint });
  return "ignored";
}

/** Stores an event. Stripe gets the outcome as the answer. */
async function storeAndReport(incoming: WebhookEvent): Promise<"ignored" | "queued" | "duplicate" | "quarantined"> {
  const { id: eventId, type, endpoint, created } = incoming;
  count("StripeEventsReceived");
  if (!incoming.event) {
    log.info("stripe event ignored", { eventId, type, endpoint });
    return "ignored";
  }
  const { outcome, reason } = await storeEvent(incoming.event);
  if (outcome === "duplicate") count("StripeEventsDuplicate");
  else measure({ StripeEventLag: [Math.max(0, now() - created), "Seconds"] });
  if (outcome === "quarantined") {
    count("StripeEventsQuarantined");
    log.error("stripe event quarantined", { eventId, type, endpoint, reason });
  } else {
    log.info("stripe event received", { eventId, type, endpoint, outcome });
  }
  if (outcome === "queued") await nudge();
  return outcome;
}
