import * as z from "zod";
import { fn } from "../kernel/fn.js";
import { Currency, Money } from "../kernel/money.js";
import { pageQuery, paginate } from "../kernel/page.js";
import { instantOf, isGone, withRetry } from "../stripe/index.js";
import { loadLiveAccount } from "./account.js";
import { withProviderFailures } from "./call.js";
import { findCustomer } from "./customer.js";

export const InvoicePage = pageQuery({});

export const Invoice = z
  .object({
    id: z.string(),
    number: z.string().nullable(),
    status: z
      .string()
      .nullable()
      .meta({ description: "Stripe's status: `draft`, `open`, `paid`, `uncollectible` or `void`" }),
    total: Money,
    amountDue: Money,
    amountPaid: Money,
    createdAt: z.string(),
    url: z.string().nullable().meta({ description: "The page on which the invoice can be read and paid" }),
    pdf: z.string().nullable(),
  })
  .meta({ id: "Invoice" });

/** Plans are sold in currencies whose smallest unit at Stripe is that of ISO 4217; invoices are in no other. */
export const moneyOf = (amount: number, currency: string): Money => ({
  amount,
  currency: Currency.parse(currency.toUpperCase()),
});

/**
 * Lists the platform's invoices to the tenant in Stripe's order, the newest first.
 * @throws Failure conflict `billing.test_mode`, unavailable
 */
export const listInvoices = fn(InvoicePage, ({ limit, cursor }) =>
  withProviderFailures(async () => {
    const { after, page: answer } = paginate("invoices", cursor);
    const { stripe, customer } = await findCustomer(await loadLiveAccount());
    if (customer === undefined) return { data: [], nextCursor: null };
    const found = await withRetry(() =>
      stripe.invoices.list({ customer, limit, ...(after.id && { starting_after: after.id }) }),
    ).catch((error: unknown) => {
      if (isGone(error)) return { data: [], has_more: false }; // a deleted customer has no invoices to pay
      throw error;
    });
    const data = found.data.map(({ id, number, status, currency, ...invoice }) => ({
      id,
      number,
      status,
      total: moneyOf(invoice.total, currency),
      amountDue: moneyOf(invoice.amount_due, currency),
      amountPaid: moneyOf(invoice.amount_paid, currency),
      createdAt: instantOf(invoice.created),
      url: invoice.hosted_invoice_url ?? null,
      pdf: invoice.invoice_pdf ?? null,
    }));
    const more = found.has_more ? data.slice(-1) : []; // one row too many says that there is a next page
    return answer([...data, ...more], data.length, ({ id }) => ({ id }));
  }),
);
