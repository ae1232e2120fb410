import { randomUUID } from "node:crypto";
import Stripe from "stripe";
import { type Body, Cart, eventually, newProduct, type Tenant } from "./client.js";

/** Stripe as its users see it: the stand-in of a host, by its address. */
export class StripeSide {
  constructor(readonly url: string) {}

  /** Makes something happen at Stripe, or sets what goes wrong there. */
  async act<Result = Body>(action: string, input: object = {}): Promise<Result> {
    const response = await fetch(`${this.url}/_control/${action}`, { method: "POST", body: JSON.stringify(input) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${action}: ${response.status} ${text}`);
    return JSON.parse(text) as Result;
  }
  async see<Result = Body>(what: string): Promise<Result> {
    return (await (await fetch(`${this.url}/_control/${what}`)).json()) as Result;
  }
  chaos(input: object) {
    return this.act("chaos", input);
  }

  /** What a browser can do: it has the publishable key and the client secret. */
  browser = (publishableKey: string) => this.#speaker(publishableKey);
  /** What can be done at Stripe's own pages, and by whoever else has the account. */
  merchant = (secretKey: string) => this.#speaker(secretKey);

  #speaker(key: string): Stripe {
    const { hostname, port } = new URL(this.url);
    return new Stripe(key, {
      host: hostname,
      port,
      protocol: "http",
      maxNetworkRetries: 0,
      telemetry: false,
    });
  }
}

/** Connects a tenant's account, and says there all that Stripe wants to know. */
export async function connect(tenant: Tenant, stripe: StripeSide): Promise<string> {
  const { account } = await tenant.post("/v1/admin/payments/account", {});
  await stripe.act("complete_onboarding", { account });
  await eventually(async () => (await tenant.get("/v1/admin/payments/account")).chargesEnabled, 60_000);
  return account;
}

/** A prepared cart of one product of 95.00 and 5.00 of delivery. */
export async function cartOf(tenant: Tenant, { stock = 1, quantity = 1, amount = 9_500 } = {}) {
  const product = await newProduct(tenant, { stock, amount });
  const cart = await Cart.open(tenant.shop, { lines: [{ variantId: product.variantId, quantity }] });
  return { ...product, cart: await cart.prepare() };
}

export const byCard = { payment: { provider: "stripe", method: "payment_intent" } } as const;
export const onPage = {
  payment: { provider: "stripe", method: "checkout_session", returnUrl: "https://shop.example/thanks" },
};

/** The shopper confirms the payment on the shop's page, as Elements would. */
export async function confirm(stripe: StripeSide, { action }: Body, method = "pm_card_visa") {
  const id = action.clientSecret.split("_secret_")[0];
  const browser = stripe.browser(action.publishableKey);
  return browser.paymentIntents.confirm(
    id,
    {
      client_secret: action.clientSecret, // as Stripe.js sends it; the SDK is for servers, and does not know it
      payment_method: method,
      return_url: "https://shop.example/thanks",
    } as Stripe.PaymentIntentConfirmParams,
    { stripeAccount: action.account, idempotencyKey: randomUUID() },
  );
}

/** The order as the staff sees it, once `ready`. */
export const orderWhen = (tenant: Tenant, id: string, ready: (order: Body) => boolean, timeoutMs = 60_000) =>
  eventually(async () => {
    const order = await tenant.get(`/v1/admin/orders/${id}`);
    return ready(order) && order;
  }, timeoutMs);

/** The shopper pays on Stripe's page. */
export const submit = (url: string, number = "4242424242424242"): Promise<Response> => {
  const form = { email: "ada@example.com", name: "Ada", number, expiry: "12/40", cvc: "123", with: "card" };
  return fetch(url, { method: "POST", body: new URLSearchParams(form), redirect: "manual" });
};
