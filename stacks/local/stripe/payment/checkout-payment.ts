import type Stripe from "stripe";
import { newCustomer } from "../billing/customer-shape.js";
import type { CheckoutMode, Store } from "../engine/engine.js";
import { Failure, refused } from "../engine/failure.js";
import { attempt } from "./attempt.js";
import { checkAbleToCharge, newIntent } from "./intent.js";

type Session = Stripe.Checkout.Session;
type Intent = Stripe.PaymentIntent;
type Method = Stripe.PaymentMethod;

/** Expires a session, by its time limit or by request, and cancels its PaymentIntent. */
export function expire(session: Session, store: Store): Session {
  const intent = store.find(
    "payment_intent",
    typeof session.payment_intent === "string" ? session.payment_intent : null,
  );
  if (intent?.status.startsWith("requires_") && intent.status !== "requires_capture") {
    const patch = { canceled_at: store.now, cancellation_reason: "expired", next_action: null, status: "canceled" };
    store.change(intent, patch, "payment_intent.canceled");
  }
  return store.change(session, { status: "expired", url: null }, "checkout.session.expired");
}

export interface Shopper {
  readonly email: string | null;
  readonly name: string | null;
}

const statusOf = (intent: Intent | undefined): Session["payment_status"] =>
  intent === undefined || intent.status === "succeeded" ? "paid" : "unpaid";

/** Completes a session; `session.payment_status` tells whether it is paid. */
function complete(session: Session, patch: Partial<Session>, shopper: Shopper, store: Store): Session {
  const { email, name } = shopper;
  const customer_details = {
    address: { city: null, country: "DE", line1: null, line2: null, postal_code: null, state: null },
    business_name: null,
    email,
    individual_name: null,
    name,
    phone: null,
    tax_exempt: "none" as const,
    tax_ids: [],
  };
  const done = { customer_details, status: "complete" as const, url: null };
  return store.change(session, { ...done, ...patch }, "checkout.session.completed");
}

function customerFor(session: Session, { email, name }: Shopper, store: Store): string | null {
  if (typeof session.customer === "string") return session.customer;
  if (session.customer_creation !== "always") return null;
  const made = newCustomer(store, { ...(email && { email }), ...(name && { name }) });
  return store.put(made, "customer.created").id;
}

/** The PaymentIntent of a session, created at the first attempt and reused by later ones. */
function intentFor(session: Session, shopper: Shopper, store: Store): Intent {
  const begun = store.find(
    "payment_intent",
    typeof session.payment_intent === "string" ? session.payment_intent : null,
  );
  if (begun) return begun;
  const { payment_intent_data: data = {}, payment_method_options } = store.get("stand_in.checkout", session.id).params;
  const { metadata, ...told } = data;
  const customer = customerFor(session, shopper, store);
  const options = payment_method_options && {
    payment_method_options: payment_method_options as Intent["payment_method_options"],
  };
  const intent = newIntent(
    {
      amount: session.amount_total ?? 0,
      currency: session.currency ?? "eur",
      customer,
      metadata: metadata ?? {},
      payment_method_types: session.payment_method_types,
      ...(told as Partial<Intent>),
      ...options,
    },
    store,
  );
  store.put(intent, "payment_intent.created");
  store.change(session, { customer, payment_intent: intent.id });
  return intent;
}

export interface Outcome {
  readonly session: Session;
  /** Id of the PaymentIntent or SetupIntent that needs authentication. */
  readonly authenticate?: string;
}

function finished(session: Session, intent: Intent, shopper: Shopper, store: Store): Outcome {
  if (intent.status === "requires_action") return { session, authenticate: intent.id };
  return { session: complete(session, { payment_status: statusOf(intent) }, shopper, store) };
}

/** Pays a session of mode `payment`. @throws Failure 402 when the bank declines */
export function pay(session: Session, method: Method, shopper: Shopper, returnUrl: string, store: Store): Outcome {
  checkAbleToCharge(store);
  if (!session.payment_method_types.includes(method.type)) throw refused(`This session does not take ${method.type}.`);
  const begun = intentFor(session, shopper, store);
  // The PaymentIntent is stored before the attempt: a declined session stays open and reuses it.
  const opened = store.get("checkout.session", session.id);
  const intent = attempt(begun, method, { returnUrl }, store);
  return finished(opened, intent, shopper, store);
}

/** Completes a session after authentication. @throws Failure 402 when it failed */
export function resume(session: Session, shopper: Shopper, store: Store): Outcome {
  const intent = store.get("payment_intent", String(session.payment_intent));
  if (intent.status === "requires_payment_method") {
    const message = intent.last_payment_error?.message ?? "Your card was declined.";
    throw new Failure(402, { type: "card_error", message });
  }
  return finished(session, intent, shopper, store);
}

/** Completes a session of mode `subscription` or `setup`. @throws Failure 402 when the bank declines */
export function completeMode(
  mode: CheckoutMode,
  session: Session,
  method: Method,
  shopper: Shopper,
  store: Store,
): Outcome {
  const result = mode.complete(session, method, store);
  const current = store.get("checkout.session", session.id);
  if (result.authenticate) return { session: store.change(current, result.session), authenticate: result.authenticate };
  return { session: complete(current, { payment_status: "paid", ...result.session }, shopper, store) };
}

/** Carries the result of an authorized or pending payment to its session. */
export function updateSession(intent: Intent, store: Store) {
  const [session] = store.by("checkout.session", "payment_intent", intent.id);
  if (session?.status !== "complete" || session.payment_status === "paid") return;
  const asynchronous = store.find("payment_method", String(session.payment_intent && intent.payment_method));
  const debit = intent.status !== "succeeded" || (asynchronous && asynchronous.type !== "card");
  const paid = { payment_status: "paid" as const };
  if (intent.status === "succeeded")
    store.change(session, paid, debit ? "checkout.session.async_payment_succeeded" : undefined);
  else if (intent.status === "requires_payment_method") store.emit("checkout.session.async_payment_failed", session);
}
