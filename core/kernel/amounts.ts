import { calculateTax, MAX_AMOUNT } from "./money.js";

/** The listed price of a line. Minor units; `taxRate` in basis points. */
export interface ListedPrice {
  unitPrice: number;
  quantity: number;
  taxInclusive: boolean;
  taxRate: number;
}

/** The amounts of a line: the listed price of all units, its tax, and the total to pay. Minor units. */
export interface Amounts {
  subtotal: number;
  tax: number;
  total: number;
}

/** Tax is rounded once for a line, half up, so that the lines of an invoice add up to its foot. */
export function calculateAmounts({ unitPrice, quantity, taxInclusive, taxRate }: ListedPrice): Amounts {
  const subtotal = unitPrice * quantity;
  const tax = calculateTax(subtotal, taxRate, taxInclusive);
  return { subtotal, tax, total: taxInclusive ? subtotal : subtotal + tax };
}

/** Whether a line can be sold: a hundred such lines, and the sums of a day's orders, stay below 2^53. */
export const isWithinLimit = ({ subtotal, total }: Amounts) => subtotal <= MAX_AMOUNT && total <= MAX_AMOUNT;

export interface Totals {
  /** Goods, as listed. */
  subtotal: number;
  /** Delivery, as listed. */
  shipping: number;
  /** All tax, whether the listed prices contain it or not. */
  tax: number;
  /** The amount to pay: the totals of the lines and of shipping. */
  total: number;
}

/** Adds up exactly: `total` is the sum of the lines' totals and shipping's, `tax` the sum of their taxes. */
export function sumTotals(lines: readonly Amounts[], shipping: Amounts | undefined): Totals {
  const sum = (pick: (item: Amounts) => number) => lines.reduce((all, line) => all + pick(line), 0);
  return {
    subtotal: sum((line) => line.subtotal),
    shipping: shipping?.subtotal ?? 0,
    tax: sum((line) => line.tax) + (shipping?.tax ?? 0),
    total: sum((line) => line.total) + (shipping?.total ?? 0),
  };
}
