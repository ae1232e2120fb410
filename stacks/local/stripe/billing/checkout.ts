import type Stripe from "stripe";
import type { CheckoutMode, CheckoutResult, Store } from "../engine/engine.js";
import { Failure, refused } from "../engine/failure.js";
import { attach } from "../payment/payment-method.js";
import { confirmSetup, newSetup } from "../payment/setup-intent.js";
import { newCustomer } from "./customer-shape.js";
import { charge, openIntent } from "./invoice-charge.js";
import { begin, draftSubscription, firstInvoice, trialEndOf } from "./subscription-creation.js";

type Session = Stripe.Checkout.Session;
type Method = Stripe.PaymentMethod;

/** The customer of the subscription: the session's, or a new one. */
function customerOf(session: Session, method: Method, store: Store): string {
  if (typeof session.customer === "string") return session.customer;
  const { email, name } = method.billing_details;
  const made = newCustomer(store, { ...(email && { email }), ...(name && { name }) });
  const { id } = store.put(made, "customer.created");
  store.change(store.get("checkout.session", session.id), { customer: id });
  return id;
}

function draftOf(session: Session, customer: string, store: Store): Stripe.Subscription {
  const { lines, params } = store.get("stand_in.checkout", session.id);
  const { metadata, description, trial_end, trial_period_days } = params.subscription_data ?? {};
  const behavior = params.subscription_data?.trial_settings?.end_behavior.missing_payment_method;
  const missing_payment_method = behavior === "cancel" ? "cancel" : "create_invoice";
  return draftSubscription(store, {
    customer,
    description,
    items: lines.map(({ price, quantity }) => ({ price: price?.id ?? "", quantity: quantity ?? 1 })),
    metadata,
    trial_end,
    trial_period_days,
    trial_settings: { end_behavior: { missing_payment_method } },
  });
}

const notDone = (message: string) => new Failure(402, { type: "card_error", code: "card_declined", message });

const idOf = (method: string | Method | null | undefined) => (typeof method === "string" ? method : method?.id);

/** The earlier attempt with this card, if any. @throws Failure 402 when it was declined */
function findAttempt<T extends Stripe.PaymentIntent | Stripe.SetupIntent>(intents: readonly T[], { id }: Method) {
  for (const intent of intents) {
    const error = intent.object === "setup_intent" ? intent.last_setup_error : intent.last_payment_error;
    if (idOf(error?.payment_method) === id) throw notDone(error?.message ?? "Your card was declined.");
    if (idOf(intent.payment_method) === id) return intent;
  }
  return undefined;
}

/** The payment of the first invoice. @throws Failure 402 when the bank declines */
function takeFirst(draft: Stripe.Subscription, method: Method, store: Store): Stripe.PaymentIntent {
  const before = findAttempt(store.by("payment_intent", "customer", String(draft.customer)), method);
  if (before) return before;
  const first = openIntent(store, { ...firstInvoice(store, draft), billing_reason: "subscription_create" });
  const { intent, failure } = charge(store, first, { method, offSession: false });
  if (failure) throw failure;
  return intent;
}

/** Sets the card up for later charges when nothing is due yet. @throws Failure 402 when the bank declines */
function keepCard(customer: string, method: Method, store: Store): Stripe.SetupIntent {
  const before = findAttempt(store.by("setup_intent", "customer", customer), method);
  if (before) return before;
  const fields = { customer, payment_method_types: ["card"] };
  return confirmSetup(store.put(newSetup(fields, store), "setup_intent.created"), method, undefined, store);
}

function subscribe(session: Session, method: Method, store: Store): CheckoutResult {
  const customer = customerOf(session, method, store);
  const draft = { ...draftOf(session, customer, store), default_payment_method: method.id };
  const due = draft.status !== "trialing" && firstInvoice(store, draft).amount_due > 0;
  const intent = due ? takeFirst(draft, method, store) : keepCard(customer, method, store);
  if (intent.status === "requires_action") return { session: { customer }, authenticate: intent.id };
  attach(store.get("payment_method", method.id), customer, store);
  const ahead = intent.object === "payment_intent" ? intent : undefined;
  const made = begin(store, draft, { behavior: "allow_incomplete", offSession: false, ahead });
  const payment_status = due ? "paid" : "no_payment_required";
  return { session: { customer, invoice: made.latest_invoice, payment_status, subscription: made.id } };
}

export const subscriptionMode: CheckoutMode = {
  open(params, store) {
    const { line_items = [], subscription_data: data = {}, customer } = params;
    for (const { price } of line_items)
      if (price !== undefined && store.find("price", price)?.type === "one_time")
        throw refused("The stand-in has no one-time prices in `subscription` mode.", { param: "line_items" });
    for (const name of ["application_fee_percent", "billing_cycle_anchor", "proration_behavior"] as const)
      if (data[name] !== undefined)
        throw refused("The stand-in does not know this parameter.", { param: `subscription_data[${name}]` });
    if (data.trial_settings?.end_behavior.missing_payment_method === "pause")
      throw refused("The stand-in does not pause subscriptions.", { param: "subscription_data[trial_settings]" });
    const { trial_end, trial_period_days } = data;
    const trial = trialEndOf(store, { trial_end, trial_period_days }) !== undefined;
    return {
      customer_creation: customer ? null : "always",
      payment_method_types: ["card"],
      ...(trial && { amount_subtotal: 0, amount_total: 0, payment_status: "no_payment_required" }),
    };
  },
  complete: subscribe,
};

export const setupMode: CheckoutMode = {
  open({ customer, setup_intent_data: data = {} }, store) {
    const { description = null, metadata = {} } = data;
    const fields = { customer: customer ?? null, description, payment_method_types: ["card"] };
    const setup = newSetup({ ...fields, metadata: metadata as Record<string, string> }, store);
    return {
      payment_method_types: ["card"],
      payment_status: "no_payment_required",
      setup_intent: store.put(setup, "setup_intent.created").id,
    };
  },
  complete(session, method, store) {
    const begun = store.get("setup_intent", String(session.setup_intent));
    const setup = findAttempt([begun], method) ?? confirmSetup(begun, method, undefined, store);
    if (setup.status === "requires_action") return { session: {}, authenticate: setup.id };
    return { session: { payment_status: "no_payment_required" } };
  },
};
