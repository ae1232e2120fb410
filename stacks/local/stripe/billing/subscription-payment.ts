import type Stripe from "stripe";
import type { Store } from "../engine/engine.js";
import { invoicesOf } from "./subscription-bill.js";
import { firstEnd, itemList } from "./subscription-shape.js";

/** The subscription that an invoice is for, unless it has ended. */
export function subscriptionOf(store: Store, invoice: Stripe.Invoice): Stripe.Subscription | undefined {
  const id = invoice.parent?.subscription_details?.subscription;
  const subscription = store.find("subscription", typeof id === "string" ? id : undefined);
  return subscription?.ended_at === null ? subscription : undefined;
}

/** A customer is delinquent while an open invoice has a failed payment. */
function setDelinquent(store: Store, { customer: id }: Stripe.Invoice) {
  const customer = store.find("customer", String(id));
  if (!customer || customer.deleted) return;
  const invoices = store.by("invoice", "customer", customer.id);
  const delinquent = invoices.some(({ status, attempted, billing_reason }) => {
    return status === "open" && attempted && billing_reason !== "subscription_create";
  });
  if (delinquent !== customer.delinquent) store.change(customer, { delinquent }, "customer.updated");
}

/** Applies the pending update of a subscription whose invoice was paid. */
function applyPending(store: Store, subscription: Stripe.Subscription): Stripe.Subscription {
  const { pending_update } = subscription;
  if (!pending_update?.subscription_items) return subscription;
  const items = itemList(subscription.id, pending_update.subscription_items);
  const { billing_cycle_anchor, trial_end } = pending_update;
  const patch: Partial<Stripe.Subscription> = {
    items,
    pending_update: null,
    ...(billing_cycle_anchor !== null && { billing_cycle_anchor }),
    ...(trial_end !== null && { trial_end, ...(trial_end <= store.now && { status: "active" }) }),
  };
  const next = store.change(subscription, patch, "customer.subscription.pending_update_applied");
  store.emit("customer.subscription.updated", next, { items: subscription.items, pending_update });
  store.later(firstEnd(next), "subscription.turn", next.id);
  return next;
}

/** Saves the payment method as the subscription's default when `save_default_payment_method` says so. */
function keepMethod(
  { payment_settings, default_payment_method: old }: Stripe.Subscription,
  method: string | Stripe.PaymentMethod | null,
) {
  const keeps = payment_settings?.save_default_payment_method === "on_subscription" && method !== old;
  return keeps && typeof method === "string" ? { default_payment_method: method } : {};
}

/** Applies the payment of an invoice to its subscription; only the latest invoice sets the status. */
export function applyPaid(store: Store, invoice: Stripe.Invoice, method: string | Stripe.PaymentMethod | null = null) {
  const found = subscriptionOf(store, invoice);
  if (found?.latest_invoice === invoice.id) {
    const subscription = applyPending(store, found);
    const patch: Partial<Stripe.Subscription> = keepMethod(subscription, method);
    if (["incomplete", "past_due", "unpaid"].includes(subscription.status)) patch.status = "active";
    if (Object.keys(patch).length > 0) store.change(subscription, patch, "customer.subscription.updated");
  }
  setDelinquent(store, invoice);
}

/** A failed first payment may be repeated for 23 hours; a later one makes the subscription past due. */
export function applyFailed(store: Store, invoice: Stripe.Invoice) {
  const subscription = subscriptionOf(store, invoice);
  const waits = subscription?.pending_update;
  if (subscription?.latest_invoice === invoice.id && !waits && ["active", "trialing"].includes(subscription.status))
    store.change(subscription, { status: "past_due" }, "customer.subscription.updated");
  setDelinquent(store, invoice);
}

/** After a voided invoice the invoice before it sets the status. */
export function applyVoided(store: Store, invoice: Stripe.Invoice) {
  setDelinquent(store, invoice);
  const subscription = subscriptionOf(store, invoice);
  if (subscription?.latest_invoice !== invoice.id) return;
  if (subscription.pending_update)
    store.change(subscription, { pending_update: null }, "customer.subscription.pending_update_expired");
  else if (subscription.status === "incomplete")
    store.change(subscription, { ended_at: store.now, status: "incomplete_expired" }, "customer.subscription.updated");
  else if (subscription.status === "past_due" || subscription.status === "unpaid") {
    const last = invoicesOf(store, subscription).find(({ status }) => status === "open" || status === "paid");
    if (last?.status !== "open") store.change(subscription, { status: "active" }, "customer.subscription.updated");
  }
}
