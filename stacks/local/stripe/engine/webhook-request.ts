import { type Agent, request } from "node:http";
import Stripe from "stripe";

/**
 * The value of `Stripe-Signature`, with the real time, which receivers compare with their own.
 * @see https://docs.stripe.com/webhooks#verify-manually
 */
export function signature(payload: string, secrets: readonly string[], timestamp = Math.floor(Date.now() / 1000)) {
  const signed = secrets.map((secret) => Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp }));
  return [`t=${timestamp}`, ...signed.map((header) => header.slice(header.indexOf(",") + 1))].join(",");
}

/** Returns the status, or 0 without an answer within 20 seconds. */
export function post(agent: Agent, url: string, body: string | Buffer, header: string | undefined): Promise<number> {
  const headers = {
    "content-type": "application/json; charset=utf-8",
    "content-length": Buffer.byteLength(body),
    "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    accept: "*/*; q=0.5, application/xml",
    ...(header !== undefined && { "stripe-signature": header }),
  };
  return new Promise((resolve) => {
    const call = request(url, { agent, method: "POST", headers, timeout: 20_000 }, (response) => {
      response.resume();
      response.on("error", () => resolve(0));
      response.on("end", () => resolve(response.statusCode ?? 0));
    });
    call.on("timeout", () => call.destroy());
    call.on("error", () => resolve(0));
    call.end(body);
  });
}
