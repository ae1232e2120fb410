import * as z from "zod";
import type { Amounts, ListedPrice, Totals } from "../kernel/amounts.js";
import { BasisPoints } from "../kernel/basis-points.js";
import { Money } from "../kernel/money.js";

/** The amounts that carts and orders show alike: of lines, shipping and totals. */
const Priced = z.object({
  subtotal: Money.meta({ description: "The listed price of all units" }),
  taxRate: BasisPoints,
  taxInclusive: z.boolean().meta({ description: "Whether the listed price includes the tax" }),
  tax: Money,
  total: Money.meta({ description: "The amount to pay, including tax" }),
});
export const PricedLine = Priced.extend({
  id: z.string(),
  variantId: z.string(),
  sku: z.string(),
  productName: z.string(),
  variantName: z.string(),
  options: z.record(z.string(), z.string()),
  quantity: z.int(),
  unitPrice: Money,
});
export const PricedShipping = Priced.extend({ name: z.string() });
export const PricedTotals = z
  .object({
    subtotal: Money.meta({ description: "The listed price of all goods" }),
    shipping: Money.meta({ description: "The listed price of shipping" }),
    tax: Money.meta({ description: "All tax, whether the listed prices include it or not" }),
    total: Money.meta({ description: "The sum of the totals of all lines and of shipping" }),
  })
  .meta({ id: "Totals" });

/** A line in minor units. */
export interface Line extends ListedPrice, Amounts {
  id: string;
  variantId: string;
  sku: string;
  productName: string;
  variantName: string;
  options: Record<string, string>;
}
export interface Shipping extends ListedPrice, Amounts {
  name: string;
}

/** Minor units as money of one currency. */
export type ToMoney = (amount: number) => Money;
export const moneyOf =
  (currency: Money["currency"]): ToMoney =>
  (amount) => ({ amount, currency });

const priceView = ({ subtotal, taxRate, taxInclusive, tax, total }: ListedPrice & Amounts, money: ToMoney) => ({
  subtotal: money(subtotal),
  taxRate,
  taxInclusive,
  tax: money(tax),
  total: money(total),
});

export const lineView = (line: Line, money: ToMoney) => ({
  id: line.id,
  variantId: line.variantId,
  sku: line.sku,
  productName: line.productName,
  variantName: line.variantName,
  options: line.options,
  quantity: line.quantity,
  unitPrice: money(line.unitPrice),
  ...priceView(line, money),
});

export const shippingView = (shipping: Shipping, money: ToMoney) => ({
  name: shipping.name,
  ...priceView(shipping, money),
});

export const totalsView = ({ subtotal, shipping, tax, total }: Totals, money: ToMoney) => ({
  subtotal: money(subtotal),
  shipping: money(shipping),
  tax: money(tax),
  total: money(total),
});
