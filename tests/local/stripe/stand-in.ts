import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import Stripe from "stripe";
import { afterEach, beforeEach } from "vitest";
import { type Clock, createClock } from "../../../stacks/local/lambda/clock.js";
import { type StripeOptions, type StripeStandIn, startStripe } from "../../../stacks/local/stripe/server.js";

const secretKey = "sk_test_standin0000000001";
export const publishableKey = "pk_test_standin0000000001";
export const platformSecret = "whsec_platform";
export const connectSecret = "whsec_connect";

export interface Delivered {
  readonly path: string;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

export let clock: Clock;
export let standIn: StripeStandIn;
/** The real SDK with the platform's key, no retries of its own but the one for closed connections. */
export let stripe: Stripe;
export let delivered: Delivered[];
/** What the receiver answers. */
export let receiver: { status: number; url: string };

export const client = (key = secretKey, more: Stripe.StripeConfig = {}) =>
  new Stripe(key, { host: "127.0.0.1", port: standIn.port, protocol: "http", maxNetworkRetries: 0, ...more });

async function startReceiver() {
  delivered = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk) => {
      body += chunk;
    });
    request.on("end", () => {
      delivered.push({ path: request.url ?? "", body, headers: request.headers });
      response.writeHead(receiver.status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  receiver = { status: 200, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  return server;
}

let server: Awaited<ReturnType<typeof startReceiver>>;

export async function start(more: Partial<StripeOptions> = {}) {
  const endpoints = [
    { url: `${receiver.url}/platform`, secrets: [platformSecret], connect: false },
    { url: `${receiver.url}/connect`, secrets: [connectSecret], connect: true },
  ];
  standIn = await startStripe({ clock, secretKey, publishableKey, endpoints, ...more });
  stripe = client();
}

beforeEach(async () => {
  clock = createClock();
  server = await startReceiver();
  await start();
});

afterEach(async () => {
  await standIn.stop();
  clock.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** A payment by card that needs nothing more from anybody. */
export const cardPayment = (payment_method: string, more: Partial<Stripe.PaymentIntentCreateParams> = {}) => ({
  amount: 10_000,
  currency: "eur",
  confirm: true,
  payment_method,
  automatic_payment_methods: { enabled: true, allow_redirects: "never" as const },
  ...more,
});
export const pay = (method = "pm_card_visa", more = {}, options: Stripe.RequestOptions = {}) =>
  stripe.paymentIntents.create(cardPayment(method, more), options);

export async function connected(more: Stripe.AccountCreateParams = {}) {
  const account = await stripe.accounts.create({ country: "DE", ...more });
  return standIn.completeOnboarding(account.id);
}

/** Until what happens a moment later has happened, and all webhooks of it have arrived. */
export async function calm() {
  await new Promise((resolve) => setTimeout(resolve, 25));
  await standIn.settled();
}

export const types = (account?: string | null) =>
  standIn
    .events(account)
    .map(({ type }) => type)
    .toReversed();

/** What the SDK throws. */
export const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => {
      throw new Error("It succeeded.");
    },
    (error: Stripe.errors.StripeError) => error,
  );

export const submit = (url: string, fields: Record<string, string>) =>
  fetch(url, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
