import type Stripe from "stripe";
import { z } from "zod";
import type { Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { flag, oneOf, text, timestamp } from "../engine/shape.js";
import { liveCustomer } from "./customer.js";
import { previewInvoice } from "./invoice-draft.js";
import { cycleBill } from "./subscription-bill.js";
import {
  anchorChange,
  type Change,
  changedItem,
  planChange,
  prorationBehavior,
  trialEnd,
} from "./subscription-change.js";
import { draftSubscription } from "./subscription-creation.js";
import { cycleAt, firstEnd, fresh, itemList, withPeriod } from "./subscription-shape.js";

type Subscription = Stripe.Subscription;

export const previewParams = z.strictObject({
  customer: text.optional(),
  preview_mode: oneOf("next").optional(),
  subscription: text.optional(),
  subscription_details: z
    .strictObject({
      billing_cycle_anchor: anchorChange.optional(),
      cancel_at_period_end: flag.optional(),
      items: z.array(changedItem).optional(),
      proration_behavior: prorationBehavior.optional(),
      proration_date: timestamp.optional(),
      trial_end: trialEnd.optional(),
    })
    .optional(),
});
type Params = z.output<typeof previewParams>;

const none = (customer: string) =>
  refused(`No upcoming invoices for customer: ${customer}`, { code: "invoice_upcoming_none", status: 404 });

/** The lines of the period that follows the first one to end. */
function nextCycle(store: Store, subscription: Subscription) {
  const at = firstEnd(subscription);
  return subscription.items.data
    .filter((item) => item.current_period_end === at)
    .map((item) => cycleBill(store, withPeriod(item, cycleAt(subscription.billing_cycle_anchor, item.price, at))));
}

function periodBefore(subscription: Subscription) {
  const start = Math.min(...subscription.items.data.map((item) => item.current_period_start));
  return { start, end: firstEnd(subscription) };
}

const customerOf = (store: Store, { customer }: Subscription) => liveCustomer(store, String(customer));

/** The invoice of the next renewal without further changes. */
export function upcoming(store: Store, given: Subscription): Stripe.Invoice {
  const subscription = fresh(store, given);
  return previewInvoice(store, customerOf(store, subscription), subscription, {
    prorations: [],
    cycle: nextCycle(store, subscription),
    reason: "upcoming",
    created: firstEnd(subscription),
    period: periodBefore(subscription),
  });
}

/** Whether a change is invoiced at once instead of at the next renewal. */
export const billsNow = ({ cycle, prorations }: Change, behavior: string | undefined) =>
  cycle.length > 0 || (behavior === "always_invoice" && prorations.length > 0);

function ofChange(store: Store, given: Subscription, params: NonNullable<Params["subscription_details"]>) {
  const subscription = fresh(store, given);
  const { proration_behavior, proration_date } = params;
  const change = planChange(store, subscription, params);
  const changed = { ...subscription, ...change.fields, items: itemList(subscription.id, change.items) };
  const customer = customerOf(store, subscription);
  const { prorations, cycle } = change;
  const prorationDate = prorations.length > 0 ? (proration_date ?? store.now) : undefined;
  if (billsNow(change, proration_behavior)) {
    const period = { start: store.now, end: store.now };
    const reason = "subscription_update";
    const previewing = { prorations, cycle, reason, created: store.now, period, prorationDate };
    return previewInvoice(store, customer, changed, previewing);
  }
  return previewInvoice(store, customer, changed, {
    prorations,
    cycle: nextCycle(store, changed),
    reason: "upcoming",
    created: firstEnd(changed),
    period: periodBefore(changed),
    prorationDate,
  });
}

function ofNew(store: Store, { customer: id, subscription_details: details }: Params) {
  if (id === undefined)
    throw refused("You must provide either `customer`, `subscription`, or `schedule`.", { param: "customer" });
  const customer = liveCustomer(store, id, "customer");
  const items = details?.items?.map(({ price = "", quantity, metadata }) => ({ price, quantity, metadata }));
  if (!items) {
    const [only] = store.by("subscription", "customer", id).filter(({ ended_at }) => ended_at === null);
    if (!only) throw none(id);
    return ofSubscription(store, only, undefined);
  }
  const draft = draftSubscription(store, { customer: id, items, trial_end: details?.trial_end });
  const cycle = draft.items.data.map((item) => cycleBill(store, item, draft.status === "trialing"));
  const period = { start: store.now, end: store.now };
  const previewing = { prorations: [], cycle, reason: "upcoming" as const, created: store.now, period };
  return previewInvoice(store, customer, draft, previewing);
}

function ofSubscription(store: Store, subscription: Subscription, details: Params["subscription_details"]) {
  if (subscription.ended_at !== null) throw none(String(subscription.customer));
  const ends = details?.cancel_at_period_end ?? (subscription.cancel_at ?? Infinity) <= firstEnd(subscription);
  if (ends && !details?.items) throw none(String(subscription.customer));
  const changes = details && (details.items || details.billing_cycle_anchor || details.trial_end !== undefined);
  return changes ? ofChange(store, subscription, details) : upcoming(store, subscription);
}

/** The preview of an invoice, equal to the later one in amounts and times. @throws Failure */
export function preview(store: Store, params: Params): Stripe.Invoice {
  if (params.subscription === undefined) return ofNew(store, params);
  const subscription = store.get("subscription", params.subscription, "subscription");
  if (params.customer !== undefined && subscription.customer !== params.customer)
    throw refused(`The subscription ${subscription.id} does not belong to the customer ${params.customer}.`);
  return ofSubscription(store, subscription, params.subscription_details);
}
