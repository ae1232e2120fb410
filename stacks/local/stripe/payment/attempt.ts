import type Stripe from "stripe";
import type { EventType, Store } from "../engine/engine.js";
import { book, failedCharge, newCharge } from "./charge.js";
import { type Decline, declined, declineOf, errorOf } from "./decline.js";
import { behaviour } from "./payment-method.js";

type Intent = Stripe.PaymentIntent;
type Method = Stripe.PaymentMethod;

export interface Attempt {
  /** The shopper is absent and cannot authenticate. */
  readonly offSession?: boolean;
  /** The shopper has authenticated. */
  readonly authenticated?: boolean;
  readonly returnUrl?: string | undefined;
  /** The payment is declined instead of reaching `requires_action`. */
  readonly errorOnAction?: boolean;
}

const cardOptions = (intent: Intent) => intent.payment_method_options?.card;

/** Whether the payment method is authorized now and captured later. */
export const isManual = (intent: Intent, method: Method) =>
  intent.capture_method === "manual" || (method.type === "card" && cardOptions(intent)?.capture_method === "manual");

/** A payment method is set up for off-session use by a SetupIntent or by `setup_future_usage`. */
function isSetUp(method: Method, store: Store) {
  const by = <T extends "setup_intent" | "payment_intent">(type: T) => store.by(type, "payment_method", method.id);
  return (
    by("setup_intent").some((one) => one.status === "succeeded") ||
    by("payment_intent").some((one) => one.setup_future_usage === "off_session" && one.status === "succeeded")
  );
}

function needsAuthentication(intent: Intent, method: Method, attempt: Attempt, store: Store) {
  if (attempt.authenticated) return false;
  const { authentication } = behaviour(method);
  if (authentication === "unless_set_up") return !isSetUp(method, store);
  if (authentication) return true;
  const requested = cardOptions(intent)?.request_three_d_secure;
  return method.type === "card" && (requested === "any" || requested === "challenge") && !attempt.offSession;
}

export const pageOfAuthentication = (intent: { id: string; client_secret: string | null }, store: Store) =>
  `${store.publicUrl}/authenticate/${store.account ?? "platform"}/${intent.id}?secret=${intent.client_secret}`;

/** The shopper's next step; `use_stripe_sdk` when the paying page named no return URL. */
export function nextAction(
  intent: { id: string; client_secret: string | null },
  returnUrl: string | undefined,
  store: Store,
) {
  const url = pageOfAuthentication(intent, store);
  if (returnUrl) return { type: "redirect_to_url", redirect_to_url: { return_url: returnUrl, url } };
  return {
    type: "use_stripe_sdk",
    use_stripe_sdk: { type: "three_d_secure_redirect", stripe_js: url, source: store.id("payatt") },
  };
}

function fail(
  intent: Intent,
  method: Method,
  decline: Decline,
  charge: Stripe.Charge | undefined,
  store: Store,
): never {
  const failed = charge && store.put(failedCharge(charge, decline), "charge.failed");
  const next = store.change(
    intent,
    {
      ...(failed && { latest_charge: failed.id }),
      last_payment_error: errorOf(decline, method, failed?.id),
      next_action: null,
      payment_method: null,
      status: "requires_payment_method",
    },
    "payment_intent.payment_failed",
  );
  throw declined(decline, { charge: failed?.id, payment_intent: next, payment_method: method });
}

function to(intent: Intent, patch: Partial<Intent>, event: EventType, store: Store): Intent {
  return store.change(intent, { last_payment_error: null, next_action: null, ...patch }, event);
}

function authorise(intent: Intent, method: Method, charge: Stripe.Charge, store: Store): Intent {
  store.put(charge, "charge.succeeded");
  keep(intent, method, store);
  store.later(store.now + 7 * 86_400, "authorization.expires", intent.id);
  const patch: Partial<Intent> = {
    amount_capturable: intent.amount,
    latest_charge: charge.id,
    payment_method: method.id,
    status: "requires_capture",
  };
  return to(intent, patch, "payment_intent.amount_capturable_updated", store);
}

/** A payment method for future use is attached to the customer. */
function keep(intent: Intent, method: Method, store: Store) {
  const { customer, setup_future_usage } = intent;
  if (!setup_future_usage || typeof customer !== "string" || method.customer) return;
  store.change(method, { customer }, "payment_method.attached");
}

/** A successful charge. Its balance transaction follows a moment later with `automatic_async`, at once otherwise. */
function succeed(intent: Intent, method: Method, charge: Stripe.Charge, store: Store): Intent {
  const { id: latest_charge } = charge;
  const paid: Stripe.Charge = { ...charge, amount_captured: charge.amount, captured: true };
  const async = intent.capture_method !== "automatic";
  if (async) store.later(store.now, "charge.booked", latest_charge);
  const booked = async ? {} : book(paid, paid.amount, intent.application_fee_amount, store);
  store.put({ ...paid, ...booked }, "charge.succeeded");
  keep(intent, method, store);
  if (behaviour(method).dispute) store.later(store.now, "charge.disputed", latest_charge);
  const patch = { amount_received: intent.amount, latest_charge, payment_method: method.id, status: "succeeded" };
  return to(intent, patch, "payment_intent.succeeded", store);
}

function debit(intent: Intent, method: Method, charge: Stripe.Charge, store: Store): Intent {
  store.put({ ...charge, status: "pending", paid: false, outcome: null }, "charge.pending");
  store.later(store.now + (behaviour(method).delay ?? 0), "debit.settled", intent.id);
  const patch = { latest_charge: charge.id, payment_method: method.id, status: "processing" };
  return to(intent, patch, "payment_intent.processing", store);
}

/** A debit in `processing` succeeds or fails. */
export function finishDebit(intent: Intent, store: Store): Intent {
  const method = store.get("payment_method", String(intent.payment_method));
  const charge = store.get("charge", String(intent.latest_charge));
  const { failure } = behaviour(method);
  if (!failure) return succeed(intent, method, { ...charge, status: "succeeded", paid: true }, store);
  const decline = { code: failure, message: "The bank could not process the debit." };
  store.put(failedCharge(charge, decline), "charge.failed");
  const patch = {
    last_payment_error: errorOf(decline, method, charge.id),
    payment_method: null,
    status: "requires_payment_method",
  };
  return store.change(intent, patch, "payment_intent.payment_failed");
}

/** Attempts the payment with this payment method. @throws Failure 402 when the bank declines */
export function attempt(intent: Intent, method: Method, how: Attempt, store: Store): Intent {
  const { decline, delay } = behaviour(method);
  const card = cardOptions(intent);
  const options = {
    manual: isManual(intent, method),
    authenticated: how.authenticated,
    multicapture: card?.request_multicapture === "if_available",
  };
  const charge = newCharge(intent, method, options, store);
  if (needsAuthentication(intent, method, how, store)) {
    if (how.offSession || how.errorOnAction) fail(intent, method, declineOf("authentication_required"), charge, store);
    const next_action = nextAction(intent, how.returnUrl, store) as Stripe.PaymentIntent.NextAction;
    const patch = { next_action, payment_method: method.id, status: "requires_action" };
    return to(intent, patch, "payment_intent.requires_action", store);
  }
  const refusal = decline ?? store.declines();
  if (refusal) fail(intent, method, declineOf(refusal), charge, store);
  if (delay !== undefined) return debit(intent, method, charge, store);
  return (options.manual ? authorise : succeed)(intent, method, charge, store);
}

/** The shopper failed to authenticate. */
export function failAuthentication(intent: Intent, store: Store): Intent {
  const method = store.get("payment_method", String(intent.payment_method));
  const decline = {
    code: "payment_intent_authentication_failure",
    message:
      "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
  };
  const last_payment_error = { ...errorOf(decline, method), type: "invalid_request_error" as const };
  const patch = { last_payment_error, next_action: null, payment_method: null, status: "requires_payment_method" };
  return store.change(intent, patch, "payment_intent.payment_failed");
}
