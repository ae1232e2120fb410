import type Stripe from "stripe";
import { leastCharge } from "../engine/amount.js";
import type { Store } from "../engine/engine.js";
import type { Period } from "./period.js";

export interface Draft {
  readonly id: string;
  readonly customer: Stripe.Customer;
  readonly subscription: Stripe.Subscription;
  readonly reason: Stripe.Invoice.BillingReason;
  readonly lines: readonly Stripe.InvoiceLineItem[];
  /** The period that metered usage of this invoice would cover. */
  readonly period: Period;
  readonly created: number;
  /** Unix seconds of the automatic finalization. */
  readonly finalizesAt: number | null;
  readonly prorationDate?: number | undefined;
}

const sum = (lines: readonly Stripe.InvoiceLineItem[]) => lines.reduce((total, { amount }) => total + amount, 0);

/** The customer's balance is applied first; an amount below the smallest charge is added to it. */
function amountsOf({ customer, lines, subscription }: Draft) {
  const total = sum(lines);
  const due = Math.max(0, total + customer.balance);
  const amount_due = due < leastCharge(subscription.currency) ? 0 : due;
  return {
    amount_due,
    amount_overpaid: 0,
    amount_paid: 0,
    amount_paid_off_stripe: 0,
    amount_remaining: amount_due,
    amount_shipping: 0,
    starting_balance: customer.balance,
    subtotal: total,
    subtotal_excluding_tax: total,
    total,
    total_discount_amounts: [],
    total_excluding_tax: total,
    total_pretax_credit_amounts: [],
    total_taxes: [],
  };
}

/** The customer's balance after the finalization. */
export const endingBalance = ({ total, starting_balance, amount_due }: Stripe.Invoice) =>
  total + starting_balance - amount_due;

const customerFields = (customer: Stripe.Customer) => ({
  customer: customer.id,
  customer_account: null,
  customer_address: customer.address ?? null,
  customer_email: customer.email,
  customer_name: customer.name ?? null,
  customer_phone: customer.phone ?? null,
  customer_shipping: customer.shipping,
  customer_tax_exempt: customer.tax_exempt ?? "none",
  customer_tax_ids: [],
});

const parentOf = ({ subscription, prorationDate }: Draft): Stripe.Invoice.Parent => ({
  quote_details: null,
  subscription_details: {
    metadata: subscription.metadata,
    subscription: subscription.id,
    ...(prorationDate !== undefined && { subscription_proration_date: prorationDate }),
  },
  type: "subscription_details",
});

/** Fields that the stand-in never fills. */
const unused = {
  account_tax_ids: null,
  application: null,
  automatic_tax: { disabled_reason: null, enabled: false, liability: null, provider: null, status: null },
  custom_fields: null,
  default_payment_method: null,
  default_source: null,
  default_tax_rates: [],
  description: null,
  discounts: [],
  due_date: null,
  footer: null,
  from_invoice: null,
  issuer: { type: "self" },
  last_finalization_error: null,
  latest_revision: null,
  on_behalf_of: null,
  post_payment_credit_notes_amount: 0,
  pre_payment_credit_notes_amount: 0,
  receipt_number: null,
  rendering: null,
  shipping_cost: null,
  shipping_details: null,
  statement_descriptor: null,
  test_clock: null,
} satisfies Partial<Stripe.Invoice>;

const lineList = (invoice: string, data: Stripe.InvoiceLineItem[]) => ({
  object: "list" as const,
  data,
  has_more: false,
  url: `/v1/invoices/${invoice}/lines`,
});

export function newInvoice(store: Store, draft: Draft): Stripe.Invoice {
  const { id, customer, subscription, reason, lines, period, created, finalizesAt } = draft;
  const data = lines.map((line) => ({ ...line, invoice: id }));
  return {
    ...unused,
    ...customerFields(customer),
    ...amountsOf(draft),
    id,
    object: "invoice",
    account_country: "US",
    account_name: "Stoa",
    attempt_count: 0,
    attempted: false,
    auto_advance: true,
    automatically_finalizes_at: finalizesAt,
    billing_reason: reason,
    collection_method: "charge_automatically",
    created,
    currency: subscription.currency,
    effective_at: null,
    ending_balance: null,
    hosted_invoice_url: null,
    invoice_pdf: null,
    lines: lineList(id, data),
    livemode: store.livemode,
    metadata: {},
    next_payment_attempt: finalizesAt,
    number: null,
    parent: parentOf(draft),
    payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
    period_end: period.end,
    period_start: period.start,
    status: "draft",
    status_transitions: { finalized_at: null, marked_uncollectible_at: null, paid_at: null, voided_at: null },
    webhooks_delivered_at: null,
  };
}
