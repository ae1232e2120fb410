import type Stripe from "stripe";
import { z } from "zod";
import { type Kind, type Route, route, type Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { flag, listing, merge, metadata, nothing, oneOf, text } from "../engine/shape.js";
import { methodOf } from "../payment/payment-method.js";
import { collect, payNow } from "./invoice-collection.js";
import { preview, previewParams } from "./invoice-preview.js";
import { finalize, giveUp, paid, paymentOf, voidInvoice } from "./invoice-state.js";
import { subscriptionOf } from "./subscription-payment.js";

type Invoice = Stripe.Invoice;

const listParams = z.strictObject({
  ...listing,
  customer: text.optional(),
  status: oneOf("draft", "open", "paid", "uncollectible", "void").optional(),
  subscription: text.optional(),
});
const payParams = z.strictObject({
  forgive: flag.optional(),
  off_session: flag.optional(),
  paid_out_of_band: flag.optional(),
  payment_method: text.optional(),
});
const updateParams = z.strictObject({
  auto_advance: flag.optional(),
  default_payment_method: text.optional(),
  description: z.string().optional(),
  metadata: metadata.optional(),
});

function pay(store: Store, invoice: Invoice, params: z.output<typeof payParams>) {
  if (params.paid_out_of_band) {
    if (invoice.status !== "open" && invoice.status !== "uncollectible")
      throw refused(`Invoice is ${invoice.status} and cannot be paid.`);
    return paid(store, invoice, { apart: true });
  }
  const method = params.payment_method === undefined ? undefined : methodOf(params.payment_method, store);
  if (method && method.customer !== invoice.customer)
    throw refused("The payment method must be attached to the customer of the invoice.", { param: "payment_method" });
  const open = invoice.status === "draft" ? finalize(store, invoice) : invoice;
  if (open !== invoice && open.status === "paid") return open;
  return payNow(store, open, { method, offSession: params.off_session ?? true, automatic: false });
}

function finalizeNow(store: Store, invoice: Invoice, advance: boolean | undefined) {
  if (invoice.status !== "draft")
    throw refused("This invoice is already finalized, you can't re-finalize a non-draft invoice.", {
      code: "invoice_not_editable",
    });
  const open = finalize(store, invoice);
  if (open.status !== "open" || !(advance ?? open.auto_advance)) return open;
  const next = store.change(open, { auto_advance: true });
  return collect(store, next, { offSession: true, automatic: true }).invoice;
}

function checkOpen({ status }: Invoice, verb: string) {
  if (status !== "open" && status !== "uncollectible")
    throw refused(`You can only ${verb} an invoice that is open. The invoice is ${status}.`);
}

function update(store: Store, invoice: Invoice, params: z.output<typeof updateParams>) {
  const { description, default_payment_method: method, auto_advance } = params;
  if (method !== undefined) store.get("payment_method", method, "default_payment_method");
  const patch: Partial<Invoice> = {
    metadata: merge(invoice.metadata ?? {}, params.metadata),
    ...(auto_advance !== undefined && { auto_advance }),
    ...(method !== undefined && { default_payment_method: method }),
    ...(description !== undefined && { description: description || null }),
  };
  return store.change(invoice, patch, "invoice.updated");
}

function list(store: Store, { customer, status, subscription, ...params }: z.output<typeof listParams>) {
  const owner = subscription === undefined ? undefined : store.get("subscription", subscription, "subscription");
  return store.page("invoice", params, {
    customer: customer ?? (owner ? String(owner.customer) : undefined),
    status,
    parent: ({ parent }) => subscription === undefined || parent?.subscription_details?.subscription === subscription,
  });
}

export const invoiceRoutes: readonly Route[] = [
  route("POST", "/v1/invoices/create_preview", previewParams, ({ params }, store) => preview(store, params)),
  route("GET", "/v1/invoices", listParams, ({ params }, store) => list(store, params)),
  route("GET", "/v1/invoices/:id", nothing, ({ path }, store) => store.get("invoice", path.id)),
  route("POST", "/v1/invoices/:id", updateParams, ({ path, params }, store) =>
    update(store, store.get("invoice", path.id), params),
  ),
  route("POST", "/v1/invoices/:id/pay", payParams, ({ path, params }, store) =>
    pay(store, store.get("invoice", path.id), params),
  ),
  route("POST", "/v1/invoices/:id/finalize", z.strictObject({ auto_advance: flag.optional() }), (call, store) =>
    finalizeNow(store, store.get("invoice", call.path.id), call.params.auto_advance),
  ),
  route("POST", "/v1/invoices/:id/void", nothing, ({ path }, store) => {
    const invoice = store.get("invoice", path.id);
    checkOpen(invoice, "void");
    return voidInvoice(store, invoice);
  }),
  route("POST", "/v1/invoices/:id/mark_uncollectible", nothing, ({ path }, store) => {
    const invoice = store.get("invoice", path.id);
    checkOpen(invoice, "mark as uncollectible");
    return giveUp(store, invoice);
  }),
  route("GET", "/v1/invoices/:id/lines", z.strictObject(listing), ({ path, params }, store) => {
    const { lines } = store.get("invoice", path.id);
    const from = lines.data.findIndex(({ id }) => id === params.starting_after) + 1;
    const data = lines.data.slice(from, from + (params.limit ?? 10));
    return { ...lines, data, has_more: from + data.length < lines.data.length };
  }),
  route("GET", "/v1/invoice_payments", z.strictObject({ ...listing, invoice: text.optional() }), (call, store) => {
    const { invoice, ...params } = call.params;
    return store.page("invoice_payment", params, { invoice });
  }),
  route(
    "GET",
    "/v1/invoiceitems",
    z.strictObject({ ...listing, customer: text.optional(), invoice: text.optional(), pending: flag.optional() }),
    (call, store) => {
      const { customer, invoice, pending, ...params } = call.params;
      const waits = (item: Stripe.InvoiceItem) => pending === undefined || (item.invoice === null) === pending;
      return store.page("invoiceitem", params, { customer, invoice, pending: waits });
    },
  ),
  route("GET", "/v1/invoiceitems/:id", nothing, ({ path }, store) => store.get("invoiceitem", path.id)),
];

/** The client secret with which a browser completes the payment. */
const secretOf = (invoice: Invoice, store: Store) => {
  const secret = paymentOf(store, invoice)?.intent.client_secret;
  return secret ? { client_secret: secret, type: "payment_intent" } : null;
};

export const invoiceKinds: readonly Kind[] = [
  {
    type: "invoice",
    prefix: ["in", "upcoming_in"],
    index: ["customer"],
    include: {
      confirmation_secret: secretOf,
      payments: ({ id }: Invoice, store: Store) => store.page("invoice_payment", {}, { invoice: id }),
    },
  },
  { type: "invoice_payment", prefix: "inpay", index: ["invoice"] },
];

/** Drops a pending update whose invoice was not paid within 23 hours. */
export function dropPending(store: Store, id: string) {
  const invoice = store.find("invoice", id);
  if (invoice?.status === "open" && subscriptionOf(store, invoice)?.pending_update) voidInvoice(store, invoice);
}
