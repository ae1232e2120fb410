import type Stripe from "stripe";
import type { Store } from "../engine/engine.js";
import { Failure, refused } from "../engine/failure.js";
import { type Charged, type Charging, charge, dropIntent, methodFor, openIntent } from "./invoice-charge.js";
import { paid, paymentOf } from "./invoice-state.js";
import { settingOf } from "./setting.js";
import { end } from "./subscription-end.js";
import { applyFailed, subscriptionOf } from "./subscription-payment.js";

type Invoice = Stripe.Invoice;

export interface Collecting {
  readonly method?: Stripe.PaymentMethod | undefined;
  readonly offSession: boolean;
  /** A scheduled attempt: only these advance the retry schedule. */
  readonly automatic: boolean;
  readonly returnUrl?: string | undefined;
}
export interface Collected {
  readonly invoice: Invoice;
  readonly intent?: Stripe.PaymentIntent;
  readonly failure?: Failure;
}

/** Unix seconds of the next attempt; none for a first payment and after the last retry. */
function nextAttempt(store: Store, invoice: Invoice, count: number): number | null {
  if (invoice.billing_reason === "subscription_create" || !invoice.auto_advance) return null;
  const wait = settingOf(store).retries[count - 1];
  return wait === undefined ? null : store.now + wait;
}

/** Applies the account's setting for a subscription whose last retry failed. */
function afterLast(store: Store, invoice: Invoice) {
  const subscription = subscriptionOf(store, invoice);
  if (!subscription || subscription.latest_invoice !== invoice.id) return;
  const { after_retries } = settingOf(store);
  if (after_retries === "canceled") end(store, subscription, { reason: "payment_failed" });
  if (after_retries === "unpaid" && subscription.status !== "unpaid")
    store.change(subscription, { status: "unpaid" }, "customer.subscription.updated");
}

function counted(invoice: Invoice, { automatic }: Collecting) {
  const attempt_count = automatic || invoice.attempt_count === 0 ? invoice.attempt_count + 1 : invoice.attempt_count;
  return { attempt_count, attempted: true };
}

function failed(store: Store, invoice: Invoice, how: Collecting, { intent, failure }: Charged): Collected {
  const fields = counted(invoice, how);
  const moves = fields.attempt_count > invoice.attempt_count;
  const next_payment_attempt = moves ? nextAttempt(store, invoice, fields.attempt_count) : invoice.next_payment_attempt;
  const next = store.change(invoice, { ...fields, next_payment_attempt }, "invoice.updated");
  const asks = intent.status === "requires_action" || failure?.body.code === "authentication_required";
  if (asks) store.emit("invoice.payment_action_required", next);
  store.emit("invoice.payment_failed", next);
  applyFailed(store, next);
  if (next_payment_attempt !== null) store.later(next_payment_attempt, "invoice.retry", next.id);
  else if (moves && next.billing_reason !== "subscription_create") afterLast(store, next);
  return { invoice: store.get("invoice", next.id), intent, ...(failure && { failure }) };
}

/** Attempts to collect an open invoice; answers a decline, whose effects are stored. */
export function collect(store: Store, invoice: Invoice, how: Collecting): Collected {
  const payment = paymentOf(store, invoice);
  if (!payment) return { invoice };
  const method = how.method ?? methodFor(store, invoice, subscriptionOf(store, invoice));
  const charged = charge(store, payment.intent, { method, offSession: how.offSession, returnUrl: how.returnUrl });
  const { intent } = charged;
  if (charged.failure || intent.status === "requires_action") return failed(store, invoice, how, charged);
  const tried = store.change(invoice, counted(invoice, how));
  if (intent.status !== "succeeded") return { invoice: tried, intent };
  return { invoice: paid(store, tried), intent };
}

/** The timer of a retry: collects the invoice if it is still open. */
export function retry(store: Store, id: string) {
  const invoice = store.find("invoice", id);
  if (invoice?.status !== "open" || !invoice.auto_advance) return;
  if (invoice.next_payment_attempt === null || invoice.next_payment_attempt > store.now) return;
  collect(store, invoice, { offSession: true, automatic: true });
}

/** Marks open invoices as paid whose PaymentIntent succeeded elsewhere, as after an authentication. */
export function payTakenInvoices(store: Store, customer: string) {
  for (const invoice of store.by("invoice", "customer", customer)) {
    if (invoice.status !== "open" && invoice.status !== "uncollectible") continue;
    if (paymentOf(store, invoice)?.intent.status !== "succeeded") continue;
    paid(store, { ...invoice, attempted: true, attempt_count: Math.max(1, invoice.attempt_count) });
  }
}

/** The timer that follows every successful charge. */
export function payInvoicesOfCharge(store: Store, id: string) {
  const { customer } = store.get("charge", id);
  if (typeof customer === "string") payTakenInvoices(store, customer);
}

const actionNeeded = (payment_intent: Stripe.PaymentIntent) =>
  new Failure(402, {
    type: "card_error",
    code: "invoice_payment_intent_requires_action",
    message:
      "This payment requires additional user action before it can be completed successfully. Payment can be completed using the PaymentIntent associated with the invoice.",
    payment_intent,
  });

/**
 * Takes the money of an invoice that is not made yet, so that nothing is made without it.
 * @throws Failure 402 when it was declined or asks for the shopper
 */
export function payAhead(store: Store, preview: Invoice, charging: Charging) {
  if (preview.amount_due === 0) return undefined;
  const { intent, failure } = charge(store, openIntent(store, preview), charging);
  if (failure) throw failure;
  if (intent.status === "succeeded") return intent;
  dropIntent(store, intent);
  throw actionNeeded(intent);
}

/** What an API request to pay answers. @throws Failure 402 when it was declined or asks for the shopper */
export function payNow(store: Store, invoice: Invoice, how: Collecting): Invoice {
  if (invoice.status === "paid") throw refused("Invoice is already paid");
  if (invoice.status !== "open" && invoice.status !== "uncollectible")
    throw refused(`Invoice is ${invoice.status} and cannot be paid.`);
  const { invoice: next, intent, failure } = collect(store, invoice, how);
  if (failure) throw failure;
  if (intent?.status === "requires_action") throw actionNeeded(intent);
  return next;
}
