import type Stripe from "stripe";
import * as z from "zod";
import { Interval, plans, SoldPlan } from "../entitlement/index.js";
import { tenantId } from "../kernel/actor.js";
import { conflict } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { GivenMoney } from "../kernel/money.js";
import { pageUrl } from "../kernel/url.js";
import { withRetry } from "../stripe/index.js";
import { afterCommitAtStripe, idempotencyKeyOf, withIdempotencyKey } from "./call.js";
import { withCustomer } from "./customer.js";
import { portalConfiguration } from "./portal.js";
import { findOrCreatePrice } from "./price.js";
import { renewingOf, subscriptionsOf } from "./stripe-subscription.js";

const Page = pageUrl(2_000);

export const CheckoutRequest = z.strictObject({
  plan: SoldPlan,
  interval: Interval,
  price: GivenMoney.optional().meta({
    description: "The plan's price as it was shown: the checkout is refused when it has another one by now",
  }),
  successUrl: Page.meta({
    description: "Where the browser goes once it is paid",
    examples: ["https://example.com/welcome"],
  }),
  cancelUrl: Page.meta({
    description: "Where it goes when the owner gives up",
    examples: ["https://example.com/plans"],
  }),
});
export const PortalRequest = z.strictObject({
  returnUrl: Page.meta({
    description: "Where the browser goes when the owner leaves Stripe's page",
    examples: ["https://example.com/settings"],
  }),
});
/** The page at Stripe that the owner's browser opens. */
export const BillingPage = z.object({ url: z.string() }).meta({ id: "BillingPage" });

/** Stripe accepts no trial that ends within 48 hours; the owner has one more hour to complete the page. Seconds. */
const SHORTEST_TRIAL = 49 * 3_600;

/**
 * The first payment of a subscription that begins now, in Unix seconds; undefined: at once. A trial with less than 49
 * hours left is extended by 49 hours, so that a tenant that subscribes in its last days is not charged before its end.
 * @param now milliseconds
 */
export function trialEndOf(trialEndsAt: string | null, now: number): number | undefined {
  if (trialEndsAt === null) return undefined;
  const end = Math.floor(Date.parse(trialEndsAt) / 1000);
  const left = end - now / 1000;
  if (left <= 0) return undefined;
  return left > SHORTEST_TRIAL ? end : end + SHORTEST_TRIAL;
}

/** Calls for the tenant's customer after the request's transaction has committed. */
const atCustomer = <T>(run: Parameters<typeof withCustomer<T>>[0]) => afterCommitAtStripe(() => withCustomer(run));

/**
 * Opens a page at Stripe where the owner subscribes to a plan and pays. The plan and the status in our row do not
 * change yet: a webhook reports the result.
 * @throws Failure conflict `billing.test_mode`, `billing.subscribed` or `billing.amount_changed`
 */
export const checkout = fn(CheckoutRequest, ({ successUrl, cancelUrl, price: shown, ...offer }) => {
  const asked = plans[offer.plan].prices[offer.interval];
  if (shown && (shown.amount !== asked.amount || shown.currency !== asked.currency))
    throw conflict("billing.amount_changed", "The plan has another price by now. Confirm it, and send it.", {
      data: { price: asked },
    });
  return atCustomer(async ({ account, stripe, customer }) => {
    const all = await subscriptionsOf(stripe, customer);
    if (renewingOf(all).length > 0)
      throw conflict(
        "billing.subscribed",
        "The tenant already has a subscription. Change its plan at `POST /v1/billing/change`.",
      );
    await expireOpenSessions(stripe, customer);
    const price = await findOrCreatePrice(stripe, offer);
    // Only the first subscription has a trial. One whose first payment never came (`incomplete…`) does not count.
    const isFirst = all.every(({ status }) => status.startsWith("incomplete"));
    const trialEnd = isFirst ? trialEndOf(account.row.trialEndsAt, account.now) : undefined;
    const params: Stripe.Checkout.SessionCreateParams = {
      mode: "subscription",
      customer,
      line_items: [{ price, quantity: 1 }],
      subscription_data: { metadata: { tenant: tenantId() }, ...(trialEnd && { trial_end: trialEnd }) },
      success_url: successUrl,
      cancel_url: cancelUrl,
    };
    const { url } = await withIdempotencyKey(idempotencyKeyOf("checkout", params), (options) =>
      stripe.checkout.sessions.create(params, options),
    );
    if (!url) throw new Error("Stripe returned a checkout session without a URL.");
    return { url };
  });
});

/** Expires the customer's open pages, so that only the newest one can be paid and no tenant subscribes twice. */
async function expireOpenSessions(stripe: Stripe, customer: string): Promise<void> {
  const { data } = await withRetry(() => stripe.checkout.sessions.list({ customer, status: "open", limit: 100 }));
  for (const { id } of data) {
    await withIdempotencyKey(`expire/${id}`, (options) => stripe.checkout.sessions.expire(id, {}, options));
  }
}

/**
 * Opens the page at Stripe where an owner reads invoices, changes the card and cancels the subscription.
 * @throws Failure conflict `billing.test_mode`
 */
export const portal = fn(PortalRequest, ({ returnUrl }) =>
  atCustomer(async ({ stripe, customer }) => {
    const params = { customer, return_url: returnUrl, configuration: await portalConfiguration(stripe) };
    const { url } = await withIdempotencyKey(idempotencyKeyOf("portal", params), (options) =>
      stripe.billingPortal.sessions.create(params, options),
    );
    return { url };
  }),
);
