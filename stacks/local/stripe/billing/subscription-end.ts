import type Stripe from "stripe";
import type { World } from "../engine/engine.js";
import { voidInvoice } from "./invoice-state.js";
import { invoicesOf, pendingItems } from "./subscription-bill.js";

type Details = Partial<Stripe.Subscription.CancellationDetails>;

/** Nobody asks for the money of open invoices any more; they can still be paid. */
function stopCollection(world: World, subscription: Stripe.Subscription) {
  for (const invoice of invoicesOf(world, subscription)) {
    if (invoice.status !== "open" && invoice.status !== "draft") continue;
    const patch = { auto_advance: false, automatically_finalizes_at: null, next_payment_attempt: null };
    world.change(invoice, patch, "invoice.updated");
  }
}

/** Prorations that wait go with the subscription. */
function dropProrations(world: World, subscription: Stripe.Subscription) {
  for (const item of pendingItems(world, subscription)) {
    if (!item.proration) continue;
    world.emit("invoiceitem.deleted", item);
    world.remove("invoiceitem", item.id);
  }
}

/** Ends a subscription at once, as does the end of its paid time when it was cancelled before. */
export function end(
  world: World,
  subscription: Stripe.Subscription,
  details: Details = {},
  keepProrations = false,
): Stripe.Subscription {
  const incomplete = subscription.status === "incomplete";
  const first = incomplete && world.find("invoice", String(subscription.latest_invoice));
  if (first && first.status === "open") voidInvoice(world, first);
  stopCollection(world, subscription);
  if (!keepProrations) dropProrations(world, subscription);
  const blank = { comment: null, feedback: null, feedback_option: null, reason: null };
  return world.change(
    world.get("subscription", subscription.id),
    {
      canceled_at: subscription.canceled_at ?? world.now,
      cancellation_details: { ...blank, ...subscription.cancellation_details, ...details },
      ended_at: world.now,
      pending_update: null,
      status: incomplete ? "incomplete_expired" : "canceled",
    },
    "customer.subscription.deleted",
  );
}

/** The first payment did not come within 23 hours. */
export function expire(world: World, id: string) {
  const subscription = world.get("subscription", id);
  if (subscription.status !== "incomplete") return;
  const first = world.find("invoice", String(subscription.latest_invoice));
  if (first?.status === "open") voidInvoice(world, first);
  world.change(subscription, { ended_at: world.now, status: "incomplete_expired" }, "customer.subscription.updated");
}
