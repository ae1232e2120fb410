import Stripe from "stripe";
import { afterEach, beforeEach, vi } from "vitest";
import { type Clock, createClock } from "../../../stacks/local/lambda/clock.js";
import { type StripeStandIn, startStripe } from "../../../stacks/local/stripe/server.js";

export const day = 86_400;

/** A stand-in of its own for each test, with two plans in it, and the SDK that talks to it. */
export function billing() {
  const own = {} as { clock: Clock; standIn: StripeStandIn; stripe: Stripe; pro: Stripe.Price; max: Stripe.Price };

  beforeEach(async () => {
    // Time stands still between the steps of a test, and begins near the end of a month.
    vi.useFakeTimers({ toFake: ["Date"], now: new Date("2027-01-30T12:00:00Z") });
    own.clock = createClock();
    own.standIn = await startStripe({ clock: own.clock, secretKey: "sk_test_billing" });
    const { hostname: host, port } = new URL(own.standIn.url);
    own.stripe = new Stripe("sk_test_billing", { host, port: Number(port), protocol: "http", maxNetworkRetries: 0 });
    own.pro = await plan("pro", 2900);
    own.max = await plan("max", 9900);
  });
  afterEach(async () => {
    await own.standIn.stop();
    own.clock.stop();
    vi.useRealTimers();
  });

  async function plan(name: string, unit_amount: number, interval: "month" | "year" = "month") {
    if (!(await own.stripe.products.list({ ids: [name] })).data.length)
      await own.stripe.products.create({ id: name, name: name.toUpperCase() });
    const lookup_key = `${name}_${interval}`;
    return own.stripe.prices.create({
      product: name,
      currency: "eur",
      unit_amount,
      recurring: { interval },
      lookup_key,
      transfer_lookup_key: true,
    });
  }

  async function customer(card = "pm_card_visa") {
    const made = await own.stripe.customers.create({ email: "shop@example.com", name: "Shop" });
    const method = await own.stripe.paymentMethods.attach(card, { customer: made.id });
    return own.stripe.customers.update(made.id, { invoice_settings: { default_payment_method: method.id } });
  }

  const subscribe = async (price: Stripe.Price = own.pro, more: Stripe.SubscriptionCreateParams = {}) =>
    own.stripe.subscriptions.create({ customer: (await customer()).id, items: [{ price: price.id }], ...more });

  /** Types of events since the last call, oldest first; those about the money itself apart. */
  let seen = 0;
  function events(pattern = /^(customer\.|invoice|checkout)/) {
    const all = own.standIn.events(null).toReversed();
    const types = all.slice(seen).map(({ type }) => type);
    seen = all.length;
    return types.filter((type) => pattern.test(type));
  }
  beforeEach(() => {
    seen = 0;
  });

  const post = (url: string, fields: Record<string, string>) =>
    fetch(url, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });

  return {
    own,
    plan,
    customer,
    subscribe,
    events,
    post,
    days: (count: number) => own.clock.advance(count * day * 1000),
    again: (subscription: Stripe.Subscription) => own.stripe.subscriptions.retrieve(subscription.id),
    invoices: async (subscription: Stripe.Subscription) =>
      (await own.stripe.invoices.list({ subscription: subscription.id })).data,
  };
}

export const card = (number = "4242424242424242") => ({ number, expiry: "12 / 40", cvc: "123", name: "A Shopper" });
