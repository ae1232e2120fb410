import type Stripe from "stripe";
import { methodFor } from "../billing/invoice-charge.js";
import { collect, payTakenInvoices } from "../billing/invoice-collection.js";
import { dateText } from "../billing/period.js";
import { subscriptionOf } from "../billing/subscription-payment.js";
import { moneyText } from "../engine/amount.js";
import type { Page, PageReply, PageRequest, Store } from "../engine/engine.js";
import { pageOfAuthentication } from "../payment/attempt.js";
import { alert, cardFields, cardOfForm, cardText, goneReply, problemOf } from "./card-form.js";
import { escapeHtml, page } from "./markup.js";

type Invoice = Stripe.Invoice;

/** The invoice, with payments applied that succeeded meanwhile. */
function found({ path }: PageRequest, platform: Store): [Invoice | undefined, Store] {
  const store = platform.in(path.account === "platform" ? undefined : path.account);
  payTakenInvoices(store, String(store.find("invoice", path.id)?.customer));
  return [store.find("invoice", path.id), store];
}

function table(invoice: Invoice) {
  const row = ({ description, amount, currency }: Stripe.InvoiceLineItem) =>
    `<tr><td>${escapeHtml(description ?? "")}</td><td>${moneyText(amount, currency)}</td></tr>`;
  const balance = invoice.starting_balance === 0 ? 0 : invoice.amount_due - invoice.total;
  const used = balance === 0 ? "" : `<tr><td>Applied balance</td><td>${moneyText(balance, invoice.currency)}</td></tr>`;
  return `<table>${invoice.lines.data.map(row).join("")}${used}</table>`;
}

const head = (invoice: Invoice) => `<h1>Invoice ${escapeHtml(invoice.number ?? "")}</h1>
<p class="amount">${moneyText(invoice.amount_due, invoice.currency)}</p>
<p class="quiet">${escapeHtml(invoice.customer_name ?? invoice.customer_email ?? "")} · ${dateText(invoice.created)}</p>
${table(invoice)}`;

const isPayable = ({ status }: Invoice) => status === "open" || status === "uncollectible";

function form(invoice: Invoice, store: Store, problem?: string): PageReply {
  if (!isPayable(invoice))
    return { html: page("Invoice", `${head(invoice)}<p>${escapeHtml(invoice.status ?? "")}</p>`) };
  const amount = moneyText(invoice.amount_due, invoice.currency);
  const kept = methodFor(store, invoice, subscriptionOf(store, invoice));
  const known = kept
    ? `<form method="post"><button name="with" value="kept">Pay ${amount} with ${escapeHtml(cardText(kept))}</button></form>`
    : "";
  const html = page(
    "Invoice",
    `${head(invoice)}${alert(problem)}${known}<form method="post">${cardFields()}<button>Pay ${amount}</button></form>`,
  );
  return { html, status: problem ? 402 : 200 };
}

/** Redirects to the bank's authentication page, which returns to `back`. */
export const askBank = (intent: Stripe.PaymentIntent, back: string, store: Store): PageReply => ({
  redirect: `${pageOfAuthentication(intent, store)}&back=${encodeURIComponent(back)}`,
});

/** Pays an invoice; the accepted card becomes the subscription's default for later invoices. */
function submit(invoice: Invoice, request: PageRequest, store: Store): PageReply {
  if (!isPayable(invoice)) return form(invoice, store);
  const here = invoice.hosted_invoice_url ?? store.publicUrl;
  try {
    const typed = request.form.get("with") !== "kept";
    const method = typed ? cardOfForm(store, request.form, String(invoice.customer)) : undefined;
    const { intent, failure } = collect(store, invoice, { method, offSession: false, automatic: false });
    if (intent?.status === "requires_action") return askBank(intent, here, store);
    if (failure) return form(store.get("invoice", invoice.id), store, failure.message);
    const subscription = subscriptionOf(store, invoice);
    if (method && subscription)
      store.change(subscription, { default_payment_method: method.id }, "customer.subscription.updated");
    return { redirect: here };
  } catch (error) {
    return form(invoice, store, problemOf(error));
  }
}

const missing = goneReply("There is no such invoice");

export const invoicePages: readonly Page[] = [
  {
    method: "GET",
    path: "/invoice/:account/:id",
    run(request, platform) {
      const [invoice, store] = found(request, platform);
      return invoice ? form(invoice, store) : missing;
    },
  },
  {
    method: "POST",
    path: "/invoice/:account/:id",
    run(request, platform) {
      const [invoice, store] = found(request, platform);
      return invoice ? submit(invoice, request, store) : missing;
    },
  },
  {
    method: "GET",
    path: "/invoice/:account/:id/pdf",
    run(request, platform) {
      const [invoice] = found(request, platform);
      return invoice ? { html: page("Invoice", head(invoice)) } : missing;
    },
  },
];
