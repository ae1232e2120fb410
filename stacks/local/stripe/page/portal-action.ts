import type Stripe from "stripe";
import { liveCustomer, setDefaultMethod } from "../billing/customer.js";
import { collect } from "../billing/invoice-collection.js";
import { cancel } from "../billing/subscription-cancellation.js";
import { lastEnd } from "../billing/subscription-shape.js";
import { update } from "../billing/subscription-update.js";
import type { PageReply, Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { cardOfForm } from "./card-form.js";
import { askBank } from "./invoice.js";

type Session = Stripe.BillingPortal.Session;
/** Returns a redirect, or nothing to show the portal again. @throws Failure, which the page shows */
type Act = (session: Session, form: URLSearchParams, store: Store) => PageReply | undefined;

const featuresOf = (session: Session, store: Store) =>
  store.get("billing_portal.configuration", String(session.configuration)).features;

/** @throws Failure for a subscription of another customer */
function subscriptionOf(session: Session, id: string | null | undefined, store: Store): Stripe.Subscription {
  const subscription = store.find("subscription", id);
  if (subscription?.customer === session.customer && subscription.ended_at === null) return subscription;
  throw refused("There is no such plan.");
}

/** In flexible billing mode the portal sets `cancel_at`, and `cancel_at_period_end` stays false. */
const end: Act = (session, form, store) => {
  const { subscription_cancel: feature } = featuresOf(session, store);
  if (!feature.enabled) throw refused("Cancelling is not possible here.");
  const flow = session.flow?.subscription_cancel?.subscription;
  const subscription = subscriptionOf(session, form.get("subscription") ?? flow, store);
  const { proration_behavior: behavior } = feature;
  if (feature.mode === "immediately")
    cancel(store, subscription.id, { prorate: behavior !== "none", invoice_now: behavior === "always_invoice" });
  else update(store, subscription, { cancel_at: lastEnd(subscription) });
  return undefined;
};

const resume: Act = (session, form, store) => {
  update(store, subscriptionOf(session, form.get("subscription"), store), { cancel_at: null });
  return undefined;
};

function switchTo(session: Session, subscription: Stripe.Subscription, id: string, price: string, store: Store) {
  const { subscription_update: feature } = featuresOf(session, store);
  const offered = feature.products?.some(({ prices }) => prices.includes(price));
  if (!feature.enabled || !offered) throw refused("This plan is not offered here.");
  const { proration_behavior } = feature;
  const behavior = proration_behavior as "always_invoice";
  const trial_end = subscription.status === "trialing" ? ({ trial_end: "now" } as const) : {};
  update(store, subscription, {
    items: [{ id, price }],
    payment_behavior: "error_if_incomplete",
    proration_behavior: behavior,
    ...trial_end,
  });
  return undefined;
}

const change: Act = (session, form, store) =>
  switchTo(
    session,
    subscriptionOf(session, form.get("subscription"), store),
    form.get("item") ?? "",
    form.get("price") ?? "",
    store,
  );

/** Applies the change of the flow `subscription_update_confirm`. */
const confirm: Act = (session, _form, store) => {
  const proposal = session.flow?.subscription_update_confirm;
  const [item] = proposal?.items ?? [];
  if (!proposal || !item?.id || !item.price) throw refused("There is nothing to confirm.");
  return switchTo(session, subscriptionOf(session, proposal.subscription, store), item.id, item.price, store);
};

const card: Act = (session, form, store) => {
  if (!featuresOf(session, store).payment_method_update.enabled) throw refused("Cards are not changed here.");
  const method = cardOfForm(store, form, session.customer);
  setDefaultMethod(liveCustomer(store, session.customer), method, store);
  return undefined;
};

const pay: Act = (session, form, store) => {
  const invoice = store.find("invoice", form.get("invoice"));
  if (invoice?.customer !== session.customer || invoice.status !== "open") throw refused("There is no open invoice.");
  const { intent, failure } = collect(store, invoice, { offSession: false, automatic: false });
  if (intent?.status === "requires_action") return askBank(intent, session.url, store);
  if (failure) throw failure;
  return undefined;
};

/** Actions by the name of their button. */
export const portalActs: Readonly<Record<string, Act | undefined>> = {
  cancel: end,
  card,
  confirm,
  pay,
  resume,
  update: change,
};
