import type Stripe from "stripe";
import type { Store } from "../engine/engine.js";
import { Failure, refused } from "../engine/failure.js";
import { attempt } from "../payment/attempt.js";
import { cancelIntent } from "../payment/capture.js";
import { newIntent } from "../payment/intent.js";

const descriptions: Record<string, string> = {
  subscription_create: "Subscription creation",
  subscription_cycle: "Subscription update",
  subscription_update: "Subscription update",
};

/** The PaymentIntent of an invoice; a subscription's first one sets the card up for renewals. */
export function openIntent(store: Store, invoice: Stripe.Invoice): Stripe.PaymentIntent {
  const first = invoice.billing_reason === "subscription_create";
  const intent = newIntent(
    {
      amount: invoice.amount_due,
      currency: invoice.currency,
      customer: invoice.customer as string,
      description: descriptions[invoice.billing_reason ?? ""] ?? `Payment for Invoice ${invoice.number}`,
      payment_method_types: ["card"],
      setup_future_usage: first ? "off_session" : null,
    },
    store,
  );
  return store.put(intent, "payment_intent.created");
}

export function dropIntent(store: Store, intent: Stripe.PaymentIntent) {
  if (intent.status !== "succeeded" && intent.status !== "canceled") cancelIntent(intent, "void_invoice", store);
}

/** The payment method of an invoice. */
export function methodFor(
  store: Store,
  { default_payment_method, customer: id }: Stripe.Invoice,
  subscription: Stripe.Subscription | undefined,
): Stripe.PaymentMethod | undefined {
  const customer = store.find("customer", String(id));
  const usual = customer && !customer.deleted ? customer.invoice_settings.default_payment_method : null;
  const method = default_payment_method ?? subscription?.default_payment_method ?? usual;
  const found = store.find("payment_method", typeof method === "string" ? method : undefined);
  return found?.customer === id ? found : undefined;
}

export interface Charging {
  readonly method: Stripe.PaymentMethod | undefined;
  /** The customer is absent and cannot authenticate. */
  readonly offSession: boolean;
  readonly returnUrl?: string | undefined;
}
export interface Charged {
  readonly intent: Stripe.PaymentIntent;
  readonly failure?: Failure;
}

const noMethod = () =>
  refused(
    "There is no default_payment_method set on this Customer or Invoice. Please set a default payment method, or pass a payment method.",
    { code: "invoice_no_payment_method_types" },
  );

/** Attempts to charge the amount due of an invoice; answers a decline instead of throwing it. */
export function charge(
  store: Store,
  intent: Stripe.PaymentIntent,
  { method, offSession, returnUrl }: Charging,
): Charged {
  if (!method) return { intent, failure: noMethod() };
  try {
    return { intent: attempt(intent, method, { offSession, returnUrl }, store) };
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
    return { intent: store.get("payment_intent", intent.id), failure };
  }
}
