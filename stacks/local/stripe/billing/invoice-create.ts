import type Stripe from "stripe";
import type { World } from "../engine/engine.js";
import { liveCustomer } from "./customer.js";
import { cycleLine, invoiceItem, pendingLine } from "./invoice-line.js";
import { newInvoice } from "./invoice-shape.js";
import type { Period } from "./period.js";
import { type Bill, pendingItems } from "./subscription-bill.js";

/** Prorations wait for the next invoice. */
export function putPending(world: World, subscription: Stripe.Subscription, bills: readonly Bill[]) {
  for (const bill of bills) world.put(invoiceItem(world, subscription, bill), "invoiceitem.created");
}

export interface Invoicing {
  readonly reason: Stripe.Invoice.BillingReason;
  /** The lines of the cycle; what waits for an invoice comes before them. */
  readonly cycle: readonly Bill[];
  readonly period?: Period;
  readonly finalizesAt?: number | null;
  readonly prorationDate?: number | undefined;
  /** Tells the subscription its latest invoice, before the world hears of that. */
  readonly announce?: (invoice: string) => void;
}

/** A draft with all that waits for an invoice of this subscription, or none when that is nothing. */
export function createInvoice(
  world: World,
  subscription: Stripe.Subscription,
  { reason, cycle, finalizesAt = null, prorationDate, announce, period = during(world.now) }: Invoicing,
): Stripe.Invoice | undefined {
  const pending = pendingItems(world, subscription);
  const lines = [
    ...pending.map((item) => pendingLine(world, item)),
    ...cycle.map((bill) => cycleLine(world, subscription.id, bill)),
  ];
  if (lines.length === 0) return undefined;
  const id = world.id("in");
  for (const item of pending) world.change(item, { invoice: id });
  const customer = liveCustomer(world, String(subscription.customer));
  const created = world.now;
  const draft = { id, customer, subscription, reason, lines, period, created, finalizesAt, prorationDate };
  const invoice = world.put(newInvoice(world, draft));
  announce?.(id);
  world.emit("invoice.created", invoice);
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

/** What `createInvoice` would make, without making it. */
export function previewInvoice(
  world: World,
  customer: Stripe.Customer,
  subscription: Stripe.Subscription,
  { prorations, cycle, reason, created, period, prorationDate }: Previewing,
): Stripe.Invoice {
  const waiting = [
    ...pendingItems(world, subscription),
    ...prorations.map((bill) => invoiceItem(world, subscription, bill)),
  ];
  const lines = [
    ...waiting.map((item) => pendingLine(world, item)),
    ...cycle.map((bill) => cycleLine(world, subscription.id, bill)),
  ].map((line) => ({ ...line, id: line.id.replace("il_", "il_tmp_") }));
  const id = world.id("upcoming_in");
  const finalizesAt = created > world.now ? created + 3600 : null;
  return newInvoice(world, { id, customer, subscription, reason, lines, period, created, finalizesAt, prorationDate });
}
