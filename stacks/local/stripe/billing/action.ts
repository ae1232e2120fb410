import type Stripe from "stripe";
import type { Action, Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { attach, methodOf } from "../payment/payment-method.js";
import { liveCustomer, setDefaultMethod } from "./customer.js";
import { saveDefault } from "./portal-configuration.js";
import { setSetting } from "./setting.js";
import { cancel } from "./subscription-cancellation.js";
import { finalizeDraft, runPeriodEnd } from "./subscription-cycle.js";
import { fresh, itemList } from "./subscription-shape.js";
import { update } from "./subscription-update.js";

type Input = Record<string, unknown>;

function subscriptionOf({ subscription: id }: Input, store: Store): Stripe.Subscription {
  const subscription = store.get("subscription", String(id));
  if (subscription.ended_at === null) return subscription;
  throw refused(`The subscription ${subscription.id} has ended.`);
}

function customerOf(input: Input, store: Store): Stripe.Customer {
  const id = input.customer ?? subscriptionOf(input, store).customer;
  return liveCustomer(store, String(id));
}

/** Replaces the card of a customer and of all its subscriptions, as the portal does. */
function giveCard(customer: Stripe.Customer, card: string, store: Store): Stripe.PaymentMethod {
  const method = attach(methodOf(card, store), customer.id, store);
  setDefaultMethod(customer, method, store);
  return method;
}

/** Ends the period now; the invoice is finalized at once unless `draft` is true. */
function renewNow(input: Input, store: Store): Stripe.Subscription {
  const subscription = subscriptionOf(input, store);
  const items = subscription.items.data.map((item) => ({ ...item, current_period_end: store.now }));
  const trial = subscription.status === "trialing" && { trial_end: store.now };
  store.change(subscription, { billing_cycle_anchor: store.now, items: itemList(subscription.id, items), ...trial });
  runPeriodEnd(store, subscription.id);
  const next = store.get("subscription", subscription.id);
  if (input.draft !== true && typeof next.latest_invoice === "string") finalizeDraft(store, next.latest_invoice);
  return fresh(store, store.get("subscription", subscription.id));
}

/** Actions on the platform's customers, by `POST /_control/<name>`. */
export const billingActions: Readonly<Record<string, Action>> = {
  /** `after_retries`, `retry_days`, `upcoming_days`, `draft_seconds`. */
  billing_settings: (input, store) => setSetting(store, input),
  save_portal_settings: (_input, store) => saveDefault(store),
  /** `customer` or `subscription`, `card` such as `pm_card_visa`. */
  set_card: (input, store) => giveCard(customerOf(input, store), String(input.card ?? "pm_card_visa"), store),
  fail_renewals: (input, store) => giveCard(customerOf(input, store), "pm_card_chargeCustomerFail", store),
  succeed_renewals: (input, store) => giveCard(customerOf(input, store), "pm_card_visa", store),
  renew_now: renewNow,
  /** A renewal whose card is declined. */
  make_past_due(input, store) {
    giveCard(customerOf(input, store), "pm_card_chargeCustomerFail", store);
    return renewNow({ ...input, draft: false }, store);
  },
  end_trial: (input, store) => update(store, subscriptionOf(input, store), { trial_end: "now" }),
  /** The same as a cancellation in Stripe's dashboard. */
  cancel_subscription: (input, store) => fresh(store, cancel(store, subscriptionOf(input, store).id, {})),
};
