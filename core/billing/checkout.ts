import type Stripe from "stripe";
import * as z from "zod";
import { Interval, SoldPlan } from "../entitlement/index.js";
import { tenantId } from "../kernel/actor.js";
import { conflict } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { withRetry } from "../stripe/index.js";
import { loadBilled } from "./account.js";
import { afterwards, keyOf, under } from "./call.js";
import { customerOf } from "./customer.js";
import { portalConfiguration } from "./portal.js";
import { priceOf } from "./price.js";
import { aliveOf, subscriptionsOf } from "./stripe-subscription.js";

const Page = z.url({ protocol: /^https?$/ }).max(2_000);

export const CheckoutRequest = z.strictObject({
  plan: SoldPlan,
  interval: Interval,
  successUrl: Page.meta({ examples: ["https://example.com/welcome"] }),
  cancelUrl: Page.meta({ examples: ["https://example.com/plans"] }),
});
export const PortalRequest = z.strictObject({ returnUrl: Page.meta({ examples: ["https://example.com/settings"] }) });
/** Where the owner's browser goes. */
export const BillingPage = z.object({ url: z.string() }).meta({ id: "BillingPage" });

/** Stripe takes no trial that ends within 48 hours; an hour for the way there. Seconds. */
const SHORTEST_TRIAL = 49 * 3_600;

/**
 * When a subscription that is begun now is paid first, in Unix seconds; undefined for at once. Whoever decides on the
 * last days of a trial gets two more, rather than being charged before it is over.
 * @param now milliseconds
 */
export function trialEndOf(trialEndsAt: string | null, now: number): number | undefined {
  if (trialEndsAt === null) return undefined;
  const end = Math.floor(Date.parse(trialEndsAt) / 1000);
  const left = end - now / 1000;
  if (left <= 0) return undefined;
  return left > SHORTEST_TRIAL ? end : end + SHORTEST_TRIAL;
}

/**
 * Opens a page at Stripe where a plan is subscribed to and paid. Nothing of ours changes by it: what comes of it, a
 * webhook tells.
 * @throws Failure conflict `billing.test_mode` or `billing.subscribed`
 */
export const checkout = fn(CheckoutRequest, ({ successUrl, cancelUrl, ...offer }) =>
  afterwards(async () => {
    const account = await loadBilled();
    const { stripe, customer } = await customerOf(account);
    const all = await subscriptionsOf(stripe, customer);
    if (aliveOf(all).length > 0)
      throw conflict(
        "billing.subscribed",
        "The tenant already has a subscription. Change its plan at `POST /v1/billing/change`.",
      );
    await expireOthers(stripe, customer);
    const price = await priceOf(stripe, offer);
    // Only the first subscription has a trial: who has been here before knows us.
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
    const { url } = await under(keyOf("checkout", params), (options) =>
      stripe.checkout.sessions.create(params, options),
    );
    if (!url) throw new Error("Stripe returned a checkout session without a URL.");
    return { url };
  }),
);

/** Of two pages that lie open only the newest may be paid. */
async function expireOthers(stripe: Stripe, customer: string): Promise<void> {
  const { data } = await withRetry(() => stripe.checkout.sessions.list({ customer, status: "open", limit: 100 }));
  for (const { id } of data) {
    await under(`expire/${id}`, (options) => stripe.checkout.sessions.expire(id, {}, options));
  }
}

/**
 * Opens the page at Stripe where an owner sees invoices, gives another card and cancels.
 * @throws Failure conflict `billing.test_mode`
 */
export const portal = fn(PortalRequest, ({ returnUrl }) =>
  afterwards(async () => {
    const { stripe, customer } = await customerOf(await loadBilled());
    const params = { customer, return_url: returnUrl, configuration: await portalConfiguration(stripe) };
    const { url } = await under(keyOf("portal", params), (options) =>
      stripe.billingPortal.sessions.create(params, options),
    );
    return { url };
  }),
);
