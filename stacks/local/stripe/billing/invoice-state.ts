import type Stripe from "stripe";
import type { Store } from "../engine/engine.js";
import { liveCustomer } from "./customer.js";
import { dropIntent, openIntent } from "./invoice-charge.js";
import { endingBalance } from "./invoice-shape.js";
import { applyPaid, applyVoided } from "./subscription-payment.js";

type Invoice = Stripe.Invoice;

/** The open InvoicePayment of a finalized invoice. */
function newPayment(store: Store, invoice: Invoice, intent: Stripe.PaymentIntent): Stripe.InvoicePayment {
  return {
    id: store.id("inpay"),
    object: "invoice_payment",
    amount_paid: null,
    amount_requested: invoice.amount_due,
    created: store.now,
    currency: invoice.currency,
    invoice: invoice.id,
    is_default: true,
    livemode: store.livemode,
    payment: { payment_intent: intent.id, type: "payment_intent" },
    status: "open",
    status_transitions: { canceled_at: null, paid_at: null },
  };
}

/** The InvoicePayment of an invoice; none when nothing is due. */
export function paymentOf(store: Store, { id }: Invoice) {
  const payment = store.by("invoice_payment", "invoice", id).find(({ is_default }) => is_default);
  const intent = store.find("payment_intent", String(payment?.payment.payment_intent));
  return payment && intent ? { payment, intent } : undefined;
}

/** Assigns the invoice number and applies the customer's balance. */
function enterBooks(store: Store, invoice: Invoice) {
  const customer = liveCustomer(store, String(invoice.customer));
  const sequence = customer.next_invoice_sequence ?? 1;
  const balance = endingBalance(invoice);
  const patch = { balance, currency: invoice.currency, next_invoice_sequence: sequence + 1 };
  store.change(customer, patch, balance === customer.balance ? undefined : "customer.updated");
  return { number: `${customer.invoice_prefix}-${String(sequence).padStart(4, "0")}`, ending_balance: balance };
}

/** Moves a draft to `open`, or to `paid` when nothing is due. `made` is a payment made in advance. */
export function finalize(store: Store, invoice: Invoice, made?: Stripe.PaymentIntent): Invoice {
  const page = `${store.publicUrl}/invoice/${store.account ?? "platform"}/${invoice.id}`;
  const open = store.change(
    invoice,
    {
      ...enterBooks(store, invoice),
      automatically_finalizes_at: null,
      effective_at: store.now,
      hosted_invoice_url: page,
      invoice_pdf: `${page}/pdf`,
      status: "open",
      status_transitions: { ...invoice.status_transitions, finalized_at: store.now },
    },
    "invoice.finalized",
  );
  if (open.amount_due === 0) return paid(store, open);
  store.put(newPayment(store, open, made ?? openIntent(store, open)));
  return open;
}

/** Moves an open invoice to `paid`, by its PaymentIntent or `apart` from Stripe (out of band). */
export function paid(store: Store, invoice: Invoice, { apart = false } = {}): Invoice {
  const found = paymentOf(store, invoice);
  const paid_at = store.now;
  if (found && apart) dropIntent(store, found.intent);
  if (found)
    store.change(
      found.payment,
      apart
        ? { status: "canceled", status_transitions: { canceled_at: paid_at, paid_at: null } }
        : { amount_paid: invoice.amount_due, status: "paid", status_transitions: { canceled_at: null, paid_at } },
      apart ? undefined : "invoice_payment.paid",
    );
  const next = store.change(
    invoice,
    {
      amount_paid: invoice.amount_due,
      amount_paid_off_stripe: apart ? invoice.amount_due : 0,
      amount_remaining: 0,
      attempted: true,
      auto_advance: false,
      next_payment_attempt: null,
      status: "paid",
      status_transitions: { ...invoice.status_transitions, paid_at },
    },
    "invoice.updated",
  );
  store.emit("invoice.paid", next);
  store.emit("invoice.payment_succeeded", next);
  applyPaid(store, next, apart ? null : found?.intent.payment_method);
  return next;
}

function stopPayment(store: Store, invoice: Invoice) {
  const found = paymentOf(store, invoice);
  if (found?.payment.status !== "open") return;
  dropIntent(store, found.intent);
  const status_transitions = { canceled_at: store.now, paid_at: null };
  store.change(found.payment, { status: "canceled", status_transitions });
}

/** Reverts the change of the customer's balance. */
function giveBack(store: Store, { customer: id, starting_balance, ending_balance }: Invoice) {
  const customer = store.find("customer", String(id));
  const change = starting_balance - (ending_balance ?? starting_balance);
  if (!customer || customer.deleted || change === 0) return;
  store.change(customer, { balance: customer.balance + change }, "customer.updated");
}

/** Voids an invoice that was issued by mistake. */
export function voidInvoice(store: Store, invoice: Invoice): Invoice {
  stopPayment(store, invoice);
  giveBack(store, invoice);
  const next = store.change(
    invoice,
    {
      auto_advance: false,
      next_payment_attempt: null,
      status: "void",
      status_transitions: { ...invoice.status_transitions, voided_at: store.now },
    },
    "invoice.voided",
  );
  applyVoided(store, next);
  return next;
}

/** Marks an invoice as uncollectible; it can still be paid. */
export function giveUp(store: Store, invoice: Invoice): Invoice {
  const next = store.change(
    invoice,
    {
      auto_advance: false,
      next_payment_attempt: null,
      status: "uncollectible",
      status_transitions: { ...invoice.status_transitions, marked_uncollectible_at: store.now },
    },
    "invoice.marked_uncollectible",
  );
  applyVoided(store, next);
  return next;
}
