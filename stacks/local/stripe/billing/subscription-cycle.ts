import type Stripe from "stripe";
import type { Store } from "../engine/engine.js";
import { methodFor } from "./invoice-charge.js";
import { collect } from "./invoice-collection.js";
import { createInvoice } from "./invoice-draft.js";
import { upcoming } from "./invoice-preview.js";
import { finalize } from "./invoice-state.js";
import { day } from "./period.js";
import { settingOf } from "./setting.js";
import { cycleBill } from "./subscription-bill.js";
import { end } from "./subscription-end.js";
import { cycleAt, firstEnd, fresh, itemList, withPeriod } from "./subscription-shape.js";

type Subscription = Stripe.Subscription;

/** Statuses in which periods end and renew. */
const runs = new Set(["trialing", "active", "past_due", "unpaid"]);

/** Sets the timers of the end of the period or subscription, and of the events that announce it. */
export function schedule(store: Store, subscription: Subscription) {
  if (!runs.has(subscription.status)) return;
  const { id, cancel_at, trial_end } = subscription;
  const next = Math.min(cancel_at ?? Number.POSITIVE_INFINITY, firstEnd(subscription));
  store.later(next, "subscription.turn", id);
  if (cancel_at === null || cancel_at > firstEnd(subscription)) {
    const at = firstEnd(subscription) - settingOf(store).upcoming;
    if (at > store.now) store.later(at, "subscription.upcoming", `${id}:${firstEnd(subscription)}`);
  }
  if (subscription.status === "trialing" && trial_end !== null)
    store.later(Math.max(store.now, trial_end - 3 * day), "subscription.trial_will_end", `${id}:${trial_end}`);
}

/** Whether a trial without a payment method cancels the subscription at its end. */
function trialCancels(store: Store, subscription: Subscription) {
  const invoice = { default_payment_method: null, customer: subscription.customer } as Stripe.Invoice;
  const behavior = subscription.trial_settings?.end_behavior.missing_payment_method;
  return behavior === "cancel" && subscription.status === "trialing" && !methodFor(store, invoice, subscription);
}

/** Renews the items whose period is over; their draft invoice is finalized and paid an hour later. */
function renew(store: Store, given: Subscription): Subscription {
  const subscription = fresh(store, given);
  const at = firstEnd(subscription);
  const turned = (item: Stripe.SubscriptionItem) =>
    item.current_period_end > at
      ? item
      : withPeriod(item, cycleAt(subscription.billing_cycle_anchor, item.price, item.current_period_end));
  const items = subscription.items.data.map(turned);
  const start = Math.min(...subscription.items.data.map((item) => item.current_period_start));
  const patch: Partial<Subscription> = {
    items: itemList(subscription.id, items),
    ...(subscription.status === "trialing" && { status: "active" as const }),
  };
  const cycle = items.filter((item) => item.current_period_start === at).map((item) => cycleBill(store, item));
  const finalizesAt = subscription.status === "unpaid" ? null : store.now + settingOf(store).draft;
  const period = { start, end: at };
  const announce = (latest_invoice: string) =>
    store.change(given, { ...patch, latest_invoice }, "customer.subscription.updated");
  const invoice = createInvoice(store, subscription, {
    reason: "subscription_cycle",
    cycle,
    period,
    finalizesAt,
    announce,
  });
  if (invoice && finalizesAt === null) store.change(invoice, { auto_advance: false });
  if (invoice && finalizesAt !== null) store.later(finalizesAt, "invoice.finalize", invoice.id);
  return store.get("subscription", subscription.id);
}

/** The timer of a period's end; a period that changed meanwhile is left alone. */
export function runPeriodEnd(store: Store, id: string) {
  const subscription = store.find("subscription", id);
  if (!subscription || !runs.has(subscription.status)) return;
  const { cancel_at } = subscription;
  if (cancel_at !== null && cancel_at <= store.now) end(store, subscription);
  else if (firstEnd(subscription) > store.now) return;
  else if (trialCancels(store, subscription)) end(store, subscription);
  else schedule(store, renew(store, subscription));
}

/** The timer of a draft: finalizes and collects it. */
export function finalizeDraft(store: Store, id: string) {
  const draft = store.find("invoice", id);
  if (draft?.status !== "draft" || !draft.auto_advance) return;
  const open = finalize(store, draft);
  if (open.status === "open") collect(store, open, { offSession: true, automatic: true });
}

/** The subscription of a key `sub_…:time`; none when its time has changed meanwhile. */
function findScheduled(store: Store, key: string, timeOf: (subscription: Subscription) => number | null) {
  const [id = "", time] = key.split(":");
  const subscription = store.find("subscription", id);
  return subscription && runs.has(subscription.status) && timeOf(subscription) === Number(time)
    ? subscription
    : undefined;
}

export function emitUpcoming(store: Store, key: string) {
  const subscription = findScheduled(store, key, firstEnd);
  if (!subscription) return;
  const { id: _, ...invoice } = upcoming(store, subscription);
  store.emit("invoice.upcoming", invoice);
}

export function emitTrialWillEnd(store: Store, key: string) {
  const subscription = findScheduled(store, key, ({ status, trial_end }) => (status === "trialing" ? trial_end : null));
  if (subscription) store.emit("customer.subscription.trial_will_end", subscription);
}
