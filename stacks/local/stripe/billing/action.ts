import type Stripe from "stripe";
import type { Action, World } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { attach, methodOf } from "../payment/payment-method.js";
import { liveCustomer } from "./customer.js";
import { saveDefault } from "./portal-configuration.js";
import { setSetting } from "./setting.js";
import { cancel } from "./subscription-cancel.js";
import { advance, turn } from "./subscription-cycle.js";
import { fresh, itemList } from "./subscription-shape.js";
import { update } from "./subscription-update.js";

type Input = Record<string, unknown>;

function subscriptionOf({ subscription: id }: Input, world: World): Stripe.Subscription {
  const subscription = world.get("subscription", String(id));
  if (subscription.ended_at === null) return subscription;
  throw refused(`The subscription ${subscription.id} has ended.`);
}

function customerOf(input: Input, world: World): Stripe.Customer {
  const id = input.customer ?? subscriptionOf(input, world).customer;
  return liveCustomer(world, String(id));
}

/** A new card for the customer and for all subscriptions of theirs, as after a visit to the portal. */
function giveCard(customer: Stripe.Customer, card: string, world: World): Stripe.PaymentMethod {
  const method = attach(methodOf(card, world), customer.id, world);
  const invoice_settings = { ...customer.invoice_settings, default_payment_method: method.id };
  world.change(customer, { invoice_settings }, "customer.updated");
  for (const subscription of world.by("subscription", "customer", customer.id))
    if (subscription.ended_at === null && subscription.default_payment_method !== null)
      world.change(subscription, { default_payment_method: method.id }, "customer.subscription.updated");
  return method;
}

/** The period ends this second; the invoice does not wait in its draft unless `draft` is true. */
function renewNow(input: Input, world: World): Stripe.Subscription {
  const subscription = subscriptionOf(input, world);
  const items = subscription.items.data.map((item) => ({ ...item, current_period_end: world.now }));
  const trial = subscription.status === "trialing" && { trial_end: world.now };
  world.change(subscription, { billing_cycle_anchor: world.now, items: itemList(subscription.id, items), ...trial });
  turn(world, subscription.id);
  const next = world.get("subscription", subscription.id);
  if (input.draft !== true && typeof next.latest_invoice === "string") advance(world, next.latest_invoice);
  return fresh(world, world.get("subscription", subscription.id));
}

/** What a test makes happen to the platform's customers, by `POST /_control/<name>`. */
export const billingActions: Readonly<Record<string, Action>> = {
  /** `after_retries`, `retry_days`, `upcoming_days`, `draft_seconds`. */
  billing_settings: (input, world) => setSetting(world, input),
  save_portal_settings: (_input, world) => saveDefault(world),
  /** `customer` or `subscription`, `card` such as `pm_card_visa`. */
  set_card: (input, world) => giveCard(customerOf(input, world), String(input.card ?? "pm_card_visa"), world),
  fail_renewals: (input, world) => giveCard(customerOf(input, world), "pm_card_chargeCustomerFail", world),
  succeed_renewals: (input, world) => giveCard(customerOf(input, world), "pm_card_visa", world),
  renew_now: renewNow,
  /** A renewal whose card is declined. */
  make_past_due(input, world) {
    giveCard(customerOf(input, world), "pm_card_chargeCustomerFail", world);
    return renewNow({ ...input, draft: false }, world);
  },
  end_trial: (input, world) => update(world, subscriptionOf(input, world), { trial_end: "now" }),
  /** As somebody does it in Stripe's dashboard. */
  cancel_subscription: (input, world) => fresh(world, cancel(world, subscriptionOf(input, world).id, {})),
};
