import { randomUUID } from "node:crypto";
import Stripe from "stripe";
import { afterAll, beforeAll, beforeEach, vi } from "vitest";
import { id } from "../../core/kernel/id.js";
import type { Attempt, Operation } from "../../core/payment/provider.js";
import { connectedAccount, type StripeAccount } from "../../core/stripe/call.js";
import { type Clock, createClock } from "../../stacks/local/lambda/clock.js";
import type { Logged } from "../../stacks/local/stripe/engine/log.js";
import { type StripeStandIn, startStripe } from "../../stacks/local/stripe/server.js";
import { keepKinds } from "../support/stripe-kind.js";

const keys = { secretKey: "sk_test_merchant000000001", publishableKey: "pk_test_merchant000000001" };

/** A merchant at the stand-in, and the adapter as it is called: no database, no API around it. */
export class Merchant {
  standIn!: StripeStandIn;
  clock!: Clock;
  account = "";
  place!: StripeAccount;
  /** Of another integrator than ours, and of the shopper. */
  sdk!: Stripe;

  readonly payId = id("pay");
  readonly orderId = id("ord");
  readonly operationId = id("pop");

  async start() {
    this.clock = createClock();
    this.standIn = await startStripe({ clock: this.clock, ...keys });
    vi.stubEnv("STRIPE_SECRET_KEY", keys.secretKey);
    vi.stubEnv("STRIPE_PUBLISHABLE_KEY", keys.publishableKey);
    vi.stubEnv("STRIPE_API_BASE", this.standIn.url);
    const { hostname, port } = new URL(this.standIn.url);
    this.sdk = new Stripe(keys.secretKey, { host: hostname, port, protocol: "http", maxNetworkRetries: 0 });
    const { id: account } = await this.sdk.accounts.create({ country: "DE" });
    this.standIn.completeOnboarding(account);
    this.account = account;
    this.place = await connectedAccount({ account, livemode: false });
  }

  get at() {
    return { stripeAccount: this.account };
  }

  attempt(more: Partial<Attempt> = {}): Attempt {
    return {
      id: this.payId.create(),
      orderId: this.orderId.create(),
      amount: 10_000,
      capturesManually: false,
      currency: "EUR",
      method: "payment_intent",
      account: this.account,
      livemode: false,
      fee: 200,
      captured: 0,
      reference: null,
      session: null,
      createdAt: new Date().toISOString(),
      returnUrl: "https://shop.example/thanks",
      email: "ada@example.com",
      items: [],
      description: "Order 1001",
      ...more,
    };
  }

  operation(kind: Operation["kind"], amount: number, more: Partial<Operation> = {}): Operation {
    const createdAt = new Date().toISOString();
    return { id: this.operationId.create(), kind, amount, final: true, createdAt, ...more };
  }

  /** The shopper pays on the shop's page. */
  confirm(intent: string, payment_method = "pm_card_visa") {
    const params = { payment_method, return_url: "https://shop.example/thanks", mandate_data: mandate };
    return this.sdk.paymentIntents.confirm(intent, params, { ...this.at, idempotencyKey: randomUUID() });
  }

  /** The shopper pays on Stripe's page. */
  async submit(url: string, number = "4242424242424242") {
    const form = { email: "ada@example.com", name: "Ada", number, expiry: "12/40", cvc: "123", with: "card" };
    return fetch(url, { method: "POST", body: new URLSearchParams(form), redirect: "manual" });
  }

  /** Faults for the next requests that fit. */
  faults(...faults: { kind: string; path?: string; method?: string; next?: number }[]) {
    this.standIn.chaos.faults = faults.map((fault) => ({ next: 1, ...fault })) as never;
  }

  /** Requests of a kind, by method and path. */
  asked(method: string, path: RegExp): Logged[] {
    return this.standIn.requests().filter((one) => one.method === method && path.test(one.path));
  }
}

/** What a SEPA debit asks of the shopper. */
const mandate = {
  customer_acceptance: { type: "online" as const, online: { ip_address: "127.0.0.1", user_agent: "test" } },
};

export function merchant(): Merchant {
  const one = new Merchant();
  beforeAll(() => one.start());
  beforeEach(() => {
    one.standIn.chaos.faults = [];
    one.standIn.forgetRequests();
  });
  afterAll(async () => {
    keepKinds(one.standIn.kinds());
    await one.standIn.stop();
    one.clock.stop();
    vi.unstubAllEnvs();
  });
  return one;
}
