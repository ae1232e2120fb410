import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type Stripe from "stripe";
import { config, isProduction } from "../kernel/config.js";
import { conflict, OutcomeUnknown } from "../kernel/error.js";
import { isRetryable, isStripeError, refusalOf } from "./fault.js";

/** Written down in the requests, so that an upgrade of the SDK does not move us to another version by itself. */
const API_VERSION = "2026-10-28.endive";

/** One call, connection and body included. Milliseconds. */
const TIMEOUT = 5_000;
/** A call with its repetitions: an API request has 20 s in all. Milliseconds. */
const BUDGET = 8_000;

/** The end of the time that the current request may wait for Stripe. Unix milliseconds. */
const deadline = new AsyncLocalStorage<{ end: number }>();

/** A POST without a key of ours could be done twice. */
class MissingIdempotencyKey extends Error {}

/**
 * Node's own fetch under the SDK, because the SDK's client for `node:https` counts silence and not time, and repeats a
 * closed connection once by itself, even with no retries at all. Here a dead socket of a frozen environment is an error
 * like any other, and `withRetry` repeats it with the same key.
 */
function fetchClient(Sdk: typeof Stripe): HttpClient {
  const client = Sdk.createFetchHttpClient();
  return {
    getClientName: () => client.getClientName(),
    makeRequest(host, port, path, method, headers, body, protocol, timeout) {
      const key = String(headers["Idempotency-Key"] ?? "stripe-node-retry-");
      if (method === "POST" && key.startsWith("stripe-node-retry-")) {
        return Promise.reject(new MissingIdempotencyKey("A POST to Stripe needs an idempotency key of ours."));
      }
      const left = (deadline.getStore()?.end ?? Number.POSITIVE_INFINITY) - Date.now();
      const time = Math.max(1, Math.min(timeout, left));
      return client.makeRequest(host, port, path, method, headers, body, protocol, time);
    },
  };
}
type HttpClient = ReturnType<(typeof Stripe)["createFetchHttpClient"]>;

async function connect(key: string, base: string | undefined): Promise<Stripe> {
  const { default: Sdk } = await import("stripe");
  const { protocol, hostname, port } = new URL(base ?? "https://api.stripe.com");
  return new Sdk(key, {
    apiVersion: API_VERSION,
    host: hostname,
    port: port || (protocol === "http:" ? "80" : "443"),
    protocol: protocol === "http:" ? "http" : "https",
    httpClient: fetchClient(Sdk),
    timeout: TIMEOUT,
    maxNetworkRetries: 0,
    telemetry: false,
    appInfo: { name: "Stoa" },
  });
}

const ofMode = (keys: string, livemode: boolean) =>
  keys.split(",").find((key) => key.split("_")[1] === (livemode ? "live" : "test"));

const unavailable = () => conflict("payment.provider_unavailable", "The platform has no Stripe key for this mode.");

const clients = new Map<string, Promise<Stripe>>();

/**
 * Stripe with the platform's key of this mode; loaded when first used.
 * @throws Failure conflict `payment.provider_unavailable` when there is no such key
 */
export function stripeFor(livemode: boolean): Promise<Stripe> {
  const key = ofMode(config.STRIPE_SECRET_KEY, livemode);
  if (!key) return Promise.reject(unavailable());
  const base = config.STRIPE_API_BASE;
  const name = `${key} ${base}`;
  const client = clients.get(name) ?? connect(key, base);
  clients.set(name, client);
  return client;
}

/**
 * The mode of the key that serves a tenant: a live tenant uses the live key. Where nobody pays with money, on every stage
 * but production, it uses the test key if the platform has no live one. A test tenant never uses the live key.
 * @throws Failure conflict `payment.provider_unavailable`
 */
export function modeOf(tenantLivemode: boolean): boolean {
  const has = (livemode: boolean) => ofMode(config.STRIPE_SECRET_KEY, livemode) !== undefined;
  if (tenantLivemode && has(true)) return true;
  if (!has(false) || (tenantLivemode && isProduction())) throw unavailable();
  return false;
}

/** Whether a mode is not the one that serves a tenant: its key is missing, or was another one before. */
export function isOtherMode(livemode: boolean, tenantLivemode: boolean): boolean {
  try {
    return modeOf(tenantLivemode) !== livemode;
  } catch {
    return true;
  }
}

/** The key with which a browser confirms payments. @throws Failure conflict `payment.provider_unavailable` */
export function publishableKeyFor(livemode: boolean): string {
  const key = ofMode(config.STRIPE_PUBLISHABLE_KEY, livemode);
  if (!key) throw unavailable();
  return key;
}

/** All calls inside share this much time. @param milliseconds never more than is left of the time around it */
export const withDeadline = <T>(milliseconds: number, run: () => Promise<T>): Promise<T> =>
  deadline.run({ end: Math.min(Date.now() + milliseconds, deadline.getStore()?.end ?? Number.POSITIVE_INFINITY) }, run);

/**
 * Makes one call, and repeats it with the same key, until Stripe has accepted or refused it: after a cut connection, a
 * timeout, a conflict with a concurrent call, a rate limit or an outage. About 8 s in all, or the rest of the time of
 * an enclosing `withDeadline`.
 * @throws OutcomeUnknown when Stripe has done neither; the SDK's error when it has refused
 */
export async function withRetry<T>(run: () => Promise<T>): Promise<T> {
  const end = deadline.getStore()?.end ?? Date.now() + BUDGET;
  for (let attempt = 0; ; attempt += 1) {
    if (Date.now() >= end) throw new OutcomeUnknown("The time for calling Stripe is over.");
    try {
      return await deadline.run({ end }, run);
    } catch (error) {
      if (!isStripeError(error) || refusalOf(error)) throw error;
      if (error.detail instanceof MissingIdempotencyKey) throw error.detail;
      const wait = Math.min(2_000, 200 * 2 ** attempt) * (0.5 + Math.random());
      if (!isRetryable(error) || Date.now() + wait >= end) {
        throw new OutcomeUnknown(`Stripe gave no definite answer: ${error.message}`, { cause: error });
      }
      await sleep(wait);
    }
  }
}
