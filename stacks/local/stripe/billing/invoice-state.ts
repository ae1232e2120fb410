import type Stripe from "stripe";
import type { World } from "../engine/engine.js";
import { liveCustomer } from "./customer.js";
import { dropIntent, openIntent } from "./invoice-charge.js";
import { endingBalance } from "./invoice-shape.js";
import { settleDropped, settlePaid } from "./subscription-settle.js";

type Invoice = Stripe.Invoice;

/** The payment that a finalized invoice expects. */
function newPayment(world: World, invoice: Invoice, intent: Stripe.PaymentIntent): Stripe.InvoicePayment {
  return {
    id: world.id("inpay"),
    object: "invoice_payment",
    amount_paid: null,
    amount_requested: invoice.amount_due,
    created: world.now,
    currency: invoice.currency,
    invoice: invoice.id,
    is_default: true,
    livemode: world.livemode,
    payment: { payment_intent: intent.id, type: "payment_intent" },
    status: "open",
    status_transitions: { canceled_at: null, paid_at: null },
  };
}

/** The payment of an invoice with its PaymentIntent; none for what costs nothing. */
export function paymentOf(world: World, { id }: Invoice) {
  const payment = world.by("invoice_payment", "invoice", id).find(({ is_default }) => is_default);
  const intent = world.find("payment_intent", String(payment?.payment.payment_intent));
  return payment && intent ? { payment, intent } : undefined;
}

/** Gives the number, and takes from the customer's balance or adds to it. */
function enterBooks(world: World, invoice: Invoice) {
  const customer = liveCustomer(world, String(invoice.customer));
  const sequence = customer.next_invoice_sequence ?? 1;
  const balance = endingBalance(invoice);
  const patch = { balance, currency: invoice.currency, next_invoice_sequence: sequence + 1 };
  world.change(customer, patch, balance === customer.balance ? undefined : "customer.updated");
  return { number: `${customer.invoice_prefix}-${String(sequence).padStart(4, "0")}`, ending_balance: balance };
}

/** Draft to open; what costs nothing is paid by that. `made` is a payment that was taken before. */
export function finalize(world: World, invoice: Invoice, made?: Stripe.PaymentIntent): Invoice {
  const page = `${world.publicUrl}/invoice/${world.account ?? "platform"}/${invoice.id}`;
  const open = world.change(
    invoice,
    {
      ...enterBooks(world, invoice),
      automatically_finalizes_at: null,
      effective_at: world.now,
      hosted_invoice_url: page,
      invoice_pdf: `${page}/pdf`,
      status: "open",
      status_transitions: { ...invoice.status_transitions, finalized_at: world.now },
    },
    "invoice.finalized",
  );
  if (open.amount_due === 0) return paid(world, open);
  world.put(newPayment(world, open, made ?? openIntent(world, open)));
  return open;
}

/** Open to paid, by the money of its PaymentIntent or `apart` from Stripe. */
export function paid(world: World, invoice: Invoice, { apart = false } = {}): Invoice {
  const found = paymentOf(world, invoice);
  const paid_at = world.now;
  if (found && apart) dropIntent(world, found.intent);
  if (found)
    world.change(
      found.payment,
      apart
        ? { status: "canceled", status_transitions: { canceled_at: paid_at, paid_at: null } }
        : { amount_paid: invoice.amount_due, status: "paid", status_transitions: { canceled_at: null, paid_at } },
      apart ? undefined : "invoice_payment.paid",
    );
  const next = world.change(
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
  world.emit("invoice.paid", next);
  world.emit("invoice.payment_succeeded", next);
  settlePaid(world, next, apart ? null : found?.intent.payment_method);
  return next;
}

function stopPayment(world: World, invoice: Invoice) {
  const found = paymentOf(world, invoice);
  if (found?.payment.status !== "open") return;
  dropIntent(world, found.intent);
  const status_transitions = { canceled_at: world.now, paid_at: null };
  world.change(found.payment, { status: "canceled", status_transitions });
}

/** What it took from the balance, or added to it, is undone. */
function giveBack(world: World, { customer: id, starting_balance, ending_balance }: Invoice) {
  const customer = world.find("customer", String(id));
  const change = starting_balance - (ending_balance ?? starting_balance);
  if (!customer || customer.deleted || change === 0) return;
  world.change(customer, { balance: customer.balance + change }, "customer.updated");
}

/** Nobody shall pay it any more, as if it had been a mistake. */
export function voidInvoice(world: World, invoice: Invoice): Invoice {
  stopPayment(world, invoice);
  giveBack(world, invoice);
  const next = world.change(
    invoice,
    {
      auto_advance: false,
      next_payment_attempt: null,
      status: "void",
      status_transitions: { ...invoice.status_transitions, voided_at: world.now },
    },
    "invoice.voided",
  );
  settleDropped(world, next);
  return next;
}

/** Nobody believes in its payment any more; it can still be paid. */
export function giveUp(world: World, invoice: Invoice): Invoice {
  const next = world.change(
    invoice,
    {
      auto_advance: false,
      next_payment_attempt: null,
      status: "uncollectible",
      status_transitions: { ...invoice.status_transitions, marked_uncollectible_at: world.now },
    },
    "invoice.marked_uncollectible",
  );
  settleDropped(world, next);
  return next;
}
