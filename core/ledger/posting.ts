export * as Posting from "./posting.js";

import { calculateAmounts } from "../kernel/amounts.js";
import { type Currency, ratio } from "../kernel/money.js";
import type { Account } from "./account.js";

/** One line of a transaction: a debit is positive, a credit negative, in minor units. */
export interface Entry {
  account: Account;
  amount: number;
  currency: Currency;
}

/** An order, as its row has it. */
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
export interface Moved {
  provider: string;
  currency: Currency;
  amount: number;
}

const move = (currency: Currency, amount: number, from: Account, to: Account): Entry[] => [
  { account: to, amount, currency },
  { account: from, amount: -amount, currency },
];

/** The same the other way round. */
export const reversed = (entries: readonly Entry[]): Entry[] =>
  entries.map(({ account, amount, currency }) => ({ account, amount: -amount, currency }));

/** The order stands: shoppers owe its total, which is earned but for the tax in it. */
export function placed({ currency, shipping, shippingTaxInclusive, shippingTaxRate, tax, total }: Sale): Entry[] {
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

/** The tax in a part of an order, so that the parts of all of it add up to its tax: rounded half up, minor units. */
function taxIn({ tax, total }: Sale, amount: number): number {
  return total === 0 ? 0 : ratio(tax, amount, total, "half-up");
}

/** What a refund takes back of a sale that stands. */
function allowance(sale: Sale, before: number, amount: number): Entry[] {
  const tax = taxIn(sale, before + amount) - taxIn(sale, before);
  const { currency } = sale;
  return [
    { account: "refunds", amount: amount - tax, currency },
    { account: "tax_payable", amount: tax, currency },
    { account: "receivable", amount: -amount, currency },
  ];
}

/** A provider took money of a shopper. */
export const captured = ({ provider, currency, amount }: Moved): Entry[] =>
  move(currency, amount, "receivable", `processor:${provider}`);

/** The platform's share of a payment; a negative amount was given back. */
export const platformFee = ({ provider, currency, amount }: Moved): Entry[] =>
  move(currency, amount, `processor:${provider}`, "platform_fees");

interface Refund extends Moved {
  /**
   * The order with what was refunded of it before this, while it stands. Null when the shopper was owed the money: the
   * order is cancelled, or the payment was never accepted for it.
   */
  sale: (Sale & { refunded: number }) | null;
}

/** A provider gave money back to a shopper: a debt is paid, or what is left of the sale is less. */
export const refunded = ({ provider, currency, amount, sale }: Refund): Entry[] => [
  ...move(currency, amount, `processor:${provider}`, "receivable"),
  ...(sale ? allowance(sale, sale.refunded, amount) : []),
];

/** A provider withholds money, because a shopper disputes a payment; a negative amount was given back. */
export const disputed = ({ provider, currency, amount }: Moved): Entry[] =>
  move(currency, amount, `processor:${provider}`, "disputes");

/** What a provider charges for a dispute; a negative amount was given back. */
export const disputeFee = ({ provider, currency, amount }: Moved): Entry[] =>
  move(currency, amount, `processor:${provider}`, "processor_fees");

/** What is withheld will not come back; a negative amount may, because the dispute goes on or is won after all. */
export const disputeLost = ({ currency, amount }: Omit<Moved, "provider">): Entry[] =>
  move(currency, amount, "disputes", "dispute_losses");
