export * as Posting from "./posting.js";

import { calculateAmounts } from "../kernel/amounts.js";
import { type Currency, ratio } from "../kernel/money.js";

/** One line of a transaction: a debit is positive, a credit negative, in minor units. */
export interface Entry {
  /** The code of an account that a module lists, or `processor:` with the name of a provider. */
  account: string;
  amount: number;
  currency: Currency;
}

/** The amounts of an order, as its row has them. */
export interface Sale {
  currency: Currency;
  /** Delivery as listed. */
  shipping: number;
  shippingTaxInclusive: boolean;
  shippingTaxRate: number;
  tax: number;
  total: number;
}

/** Money that a provider moved; minor units. */
export interface ProviderAmount {
  provider: string;
  currency: Currency;
  amount: number;
}

const transferEntries = (currency: Currency, amount: number, from: string, to: string): Entry[] => [
  { account: to, amount, currency },
  { account: from, amount: -amount, currency },
];

/** The entries with opposite signs. */
export const reverseEntries = (entries: readonly Entry[]): Entry[] =>
  entries.map(({ account, amount, currency }) => ({ account, amount: -amount, currency }));

/** The order is placed: the shopper owes its total, which is income except for the tax in it. */
export function saleEntries({ currency, shipping, shippingTaxInclusive, shippingTaxRate, tax, total }: Sale): Entry[] {
  const listed = { unitPrice: shipping, quantity: 1, taxInclusive: shippingTaxInclusive, taxRate: shippingTaxRate };
  const delivery = calculateAmounts(listed);
  const net = delivery.total - delivery.tax;
  return [
    { account: "receivable", amount: total, currency },
    { account: "sales", amount: -(total - tax - net), currency },
    { account: "shipping", amount: -net, currency },
    { account: "tax_payable", amount: -tax, currency },
  ];
}

/** What a refund needs to know of a sale. */
type TaxedTotal = Pick<Sale, "currency" | "tax" | "total">;

/** The tax in a part of an order, so that the parts of all of it add up to its tax: rounded half up, minor units. */
function taxIn({ tax, total }: TaxedTotal, amount: number): number {
  return total === 0 ? 0 : ratio(tax, amount, total, "half-up");
}

/** The part of a sale that a refund takes back, with its tax, while the order is not cancelled. */
function allowanceEntries(sale: TaxedTotal, before: number, amount: number): Entry[] {
  const tax = taxIn(sale, before + amount) - taxIn(sale, before);
  const { currency } = sale;
  return [
    { account: "refunds", amount: amount - tax, currency },
    { account: "tax_payable", amount: tax, currency },
    { account: "receivable", amount: -amount, currency },
  ];
}

/**
 * A placed order is cancelled: the rest of its sale is undone, and what refunds have taken back of it is no allowance
 * any more. Money that the shopper has paid is owed back from now on.
 * @param refunded the part of the total that was refunded before, in minor units
 */
export const cancellationEntries = (sale: Sale, refunded: number): Entry[] =>
  reverseEntries([...saleEntries(sale), ...allowanceEntries(sale, 0, refunded)]);

/** A provider captured money of a shopper. */
export const captureEntries = ({ provider, currency, amount }: ProviderAmount): Entry[] =>
  transferEntries(currency, amount, "receivable", `processor:${provider}`);

/** The platform's share of a payment; a negative amount was given back. */
export const platformFeeEntries = ({ provider, currency, amount }: ProviderAmount): Entry[] =>
  transferEntries(currency, amount, `processor:${provider}`, "platform_fees");

interface Refund extends ProviderAmount {
  /**
   * The order with the amount that was refunded of it before, while it is not cancelled. Null when the refund pays a
   * debt to the shopper: the order is cancelled, or the payment was never accepted for it.
   */
  sale: (TaxedTotal & { refunded: number }) | null;
}

/** A provider refunded money to a shopper: the refund pays a debt to the shopper, or it reduces the sale. */
export const refundEntries = ({ provider, currency, amount, sale }: Refund): Entry[] => [
  ...transferEntries(currency, amount, `processor:${provider}`, "receivable"),
  ...(sale ? allowanceEntries(sale, sale.refunded, amount) : []),
];

/** A provider withholds money, because a shopper disputes a payment; a negative amount was given back. */
export const disputeEntries = ({ provider, currency, amount }: ProviderAmount): Entry[] =>
  transferEntries(currency, amount, `processor:${provider}`, "disputes");

/** The fee of a provider for a dispute; a negative amount was given back. */
export const disputeFeeEntries = ({ provider, currency, amount }: ProviderAmount): Entry[] =>
  transferEntries(currency, amount, `processor:${provider}`, "processor_fees");

/** A withheld amount is lost; a negative one is not lost any more, because the dispute goes on or is won after all. */
export const disputeLossEntries = ({ currency, amount }: Omit<ProviderAmount, "provider">): Entry[] =>
  transferEntries(currency, amount, "disputes", "dispute_losses");
