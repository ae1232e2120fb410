import type Stripe from "stripe";
import type { Store } from "../engine/engine.js";
import { liveCustomer } from "./customer.js";
import { cycleLine, invoiceItem, pendingLine } from "./invoice-line.js";
import { newInvoice } from "./invoice-shape.js";
import type { Period } from "./period.js";
import { type Bill, pendingItems } from "./subscription-bill.js";

/** Stores prorations as invoice items of the next invoice. */
export function putPending(store: Store, subscription: Stripe.Subscription, bills: readonly Bill[]) {
  for (const bill of bills) store.put(invoiceItem(store, subscription, bill), "invoiceitem.created");
}

export interface Invoicing {
  readonly reason: Stripe.Invoice.BillingReason;
  /** The lines of the cycle; pending invoice items come before them. */
  readonly cycle: readonly Bill[];
  readonly period?: Period;
  readonly finalizesAt?: number | null;
  readonly prorationDate?: number | undefined;
  /** Sets `latest_invoice` of the subscription before `invoice.created` is emitted. */
  readonly announce?: (invoice: string) => void;
}

/** Creates a draft with the pending invoice items of a subscription; none when there is nothing to invoice. */
export function createInvoice(
  store: Store,
  subscription: Stripe.Subscription,
  { reason, cycle, finalizesAt = null, prorationDate, announce, period = during(store.now) }: Invoicing,
): Stripe.Invoice | undefined {
  const pending = pendingItems(store, subscription);
  const lines = [
    ...pending.map((item) => pendingLine(store, item)),
    ...cycle.map((bill) => cycleLine(store, subscription.id, bill)),
  ];
  if (lines.length === 0) return undefined;
  const id = store.id("in");
  for (const item of pending) store.change(item, { invoice: id });
  const customer = liveCustomer(store, String(subscription.customer));
  const created = store.now;
  const draft = { id, customer, subscription, reason, lines, period, created, finalizesAt, prorationDate };
  const invoice = store.put(newInvoice(store, draft));
  announce?.(id);
  store.emit("invoice.created", invoice);
  return invoice;
}
const during = (now: number): Period => ({ start: now, end: now });

export interface Previewing {
  readonly prorations: readonly Bill[];
  readonly cycle: readonly Bill[];
  readonly reason: Stripe.Invoice.BillingReason;
  readonly created: number;
  readonly period: Period;
  readonly prorationDate?: number | undefined;
}

/** The invoice that `createInvoice` would store. */
export function previewInvoice(
  store: Store,
  customer: Stripe.Customer,
  subscription: Stripe.Subscription,
  { prorations, cycle, reason, created, period, prorationDate }: Previewing,
): Stripe.Invoice {
  const waiting = [
    ...pendingItems(store, subscription),
    ...prorations.map((bill) => invoiceItem(store, subscription, bill)),
  ];
  const lines = [
    ...waiting.map((item) => pendingLine(store, item)),
    ...cycle.map((bill) => cycleLine(store, subscription.id, bill)),
  ].map((line) => ({ ...line, id: line.id.replace("il_", "il_tmp_") }));
  const id = store.id("upcoming_in");
  const finalizesAt = created > store.now ? created + 3600 : null;
  return newInvoice(store, { id, customer, subscription, reason, lines, period, created, finalizesAt, prorationDate });
}
