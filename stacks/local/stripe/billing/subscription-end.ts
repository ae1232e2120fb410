import type Stripe from "stripe";
import type { Store } from "../engine/engine.js";
import { voidInvoice } from "./invoice-state.js";
import { invoicesOf, pendingItems } from "./subscription-bill.js";

type Details = Partial<Stripe.Subscription.CancellationDetails>;

/** Stops the automatic collection of open invoices; they can still be paid. */
function stopCollection(store: Store, subscription: Stripe.Subscription) {
  for (const invoice of invoicesOf(store, subscription)) {
    if (invoice.status !== "open" && invoice.status !== "draft") continue;
    const patch = { auto_advance: false, automatically_finalizes_at: null, next_payment_attempt: null };
    store.change(invoice, patch, "invoice.updated");
  }
}

/** Deletes the pending prorations of an ended subscription. */
function dropProrations(store: Store, subscription: Stripe.Subscription) {
  for (const item of pendingItems(store, subscription)) {
    if (!item.proration) continue;
    store.emit("invoiceitem.deleted", item);
    store.remove("invoiceitem", item.id);
  }
}

/** Ends a subscription: by an immediate cancellation, or by a scheduled one that is due. */
export function end(
  store: Store,
  subscription: Stripe.Subscription,
  details: Details = {},
  keepProrations = false,
): Stripe.Subscription {
  const incomplete = subscription.status === "incomplete";
  const first = incomplete && store.find("invoice", String(subscription.latest_invoice));
  if (first && first.status === "open") voidInvoice(store, first);
  stopCollection(store, subscription);
  if (!keepProrations) dropProrations(store, subscription);
  const blank = { comment: null, feedback: null, feedback_option: null, reason: null };
  return store.change(
    store.get("subscription", subscription.id),
    {
      canceled_at: subscription.canceled_at ?? store.now,
      cancellation_details: { ...blank, ...subscription.cancellation_details, ...details },
      ended_at: store.now,
      pending_update: null,
      status: incomplete ? "incomplete_expired" : "canceled",
    },
    "customer.subscription.deleted",
  );
}

/** Expires a subscription whose first payment did not arrive within 23 hours. */
export function expire(store: Store, id: string) {
  const subscription = store.get("subscription", id);
  if (subscription.status !== "incomplete") return;
  const first = store.find("invoice", String(subscription.latest_invoice));
  if (first?.status === "open") voidInvoice(store, first);
  store.change(subscription, { ended_at: store.now, status: "incomplete_expired" }, "customer.subscription.updated");
}
