import * as z from "zod";
import { Address } from "../kernel/address.js";
import { calculateAmounts, isWithinLimit, sumTotals, type Totals } from "../kernel/amounts.js";
import { Currency, MAX_AMOUNT, Money } from "../kernel/money.js";
import { CartId } from "./cart.sql.js";
import type { Header } from "./key.js";
import type { Contents } from "./load.js";
import {
  type Line,
  lineView,
  moneyIn,
  PricedLine,
  PricedShipping,
  PricedTotals,
  type Shipping,
  shippingView,
  totalsView,
} from "./priced.js";

/** What a cart still needs before it can become an order. */
export const Requirement = z
  .enum([
    "lines_missing",
    "variant_unavailable",
    "email_missing",
    "shipping_address_missing",
    "country_not_served",
    "shipping_option_missing",
    "total_too_large",
  ])
  .meta({ id: "Requirement" });
export type Requirement = z.infer<typeof Requirement>;

export const Cart = z
  .object({
    id: CartId,
    version: z.int(),
    status: z.enum(["open", "completed"]),
    currency: Currency,
    regionId: z.string(),
    channelId: z.string(),
    email: z.string().nullable(),
    shippingAddress: Address.nullable(),
    billingAddress: Address.nullable().meta({ description: "null: the shipping address" }),
    shippingOption: PricedShipping.extend({ id: z.string() }).nullable(),
    lines: z.array(
      PricedLine.extend({
        productId: z.string(),
        available: z
          .boolean()
          .meta({ description: "An unavailable line adds nothing to the totals and blocks the checkout" }),
        unitPrice: Money.nullable().meta({ description: "null: no price in the cart's currency" }),
      }),
    ),
    totals: PricedTotals,
    requirements: z
      .array(Requirement)
      .meta({ description: "The reasons why the cart cannot be completed; empty when it can" }),
    heldUntil: z
      .string()
      .nullable()
      .meta({ description: "The instant until which the stock of all lines is reserved; null when it is not" }),
    createdAt: z.string(),
    expiresAt: z.string(),
  })
  .meta({ id: "Cart", description: "Prices and taxes are current, not stored." });

interface BasketLine extends Line {
  productId: string;
  priced: boolean;
  /** Only a line that is for sale counts. */
  state: "for_sale" | "unavailable" | "too_large";
}

/** A cart as it stands: what is in it, what that costs in minor units, what is missing. */
export interface Basket {
  cart: Header;
  lines: BasketLine[];
  shipping: (Shipping & { id: string }) | undefined;
  totals: Totals;
  requirements: Requirement[];
  heldUntil: string | null;
}

export function basket(cart: Header, rows: Contents): Basket {
  const lines = rows.flatMap((row) => lineOf(row) ?? []);
  const shipping = rows[0] && shippingOf(rows[0]);
  const made = { cart, lines, shipping, totals: sumTotals(lines, shipping), heldUntil: rows[0]?.heldUntil ?? null };
  return { ...made, requirements: requirementsOf(made, rows[0]?.countries ?? []) };
}

function lineOf({ line, variant, product, price, rate }: Contents[number]): BasketLine | undefined {
  if (!line || !variant || !product) return undefined;
  const listed = {
    unitPrice: price?.amount ?? 0,
    quantity: line.quantity,
    taxInclusive: price?.taxInclusive ?? true,
    taxRate: rate ?? 0, // no rate: this class is not taxed there
  };
  const cost = calculateAmounts(listed);
  const sold = product.status === "active" && price !== null;
  const state = !sold ? "unavailable" : isWithinLimit(cost) ? "for_sale" : "too_large";
  return {
    ...line,
    sku: variant.sku,
    productId: product.id,
    productName: product.name,
    variantName: variant.name,
    options: variant.options,
    ...listed,
    ...(state === "for_sale" ? cost : { subtotal: 0, tax: 0, total: 0 }),
    priced: price !== null,
    state,
  };
}

function shippingOf({ shipping, shippingRate }: Contents[number]): Basket["shipping"] {
  if (!shipping) return undefined;
  const { id, name, amount, taxInclusive } = shipping;
  const listed = { unitPrice: amount, quantity: 1, taxInclusive, taxRate: shippingRate ?? 0 };
  return { id, name, ...listed, ...calculateAmounts(listed) };
}

function requirementsOf({ cart, lines, shipping, totals: sum }: Omit<Basket, "requirements">, countries: string[]) {
  const { email, shippingAddress } = cart;
  const missing: Record<Requirement, boolean> = {
    lines_missing: lines.length === 0,
    variant_unavailable: lines.some(({ state }) => state === "unavailable"),
    email_missing: !email,
    shipping_address_missing: !shippingAddress,
    country_not_served: shippingAddress !== null && !countries.includes(shippingAddress.country),
    shipping_option_missing: !shipping,
    total_too_large: sum.total > MAX_AMOUNT || lines.some(({ state }) => state === "too_large"),
  };
  return Requirement.options.filter((name) => missing[name]);
}

/** For the shopper: with currencies, without the token's hash. */
export function view({ cart, lines, shipping, totals: sum, requirements, heldUntil }: Basket) {
  const { tokenHash: _, shippingOptionId: __, ...shown } = cart;
  const money = moneyIn(cart.currency);
  return {
    ...shown,
    shippingOption: shipping ? { id: shipping.id, ...shippingView(shipping, money) } : null,
    lines: lines.map((line) => ({
      ...lineView(line, money),
      unitPrice: line.priced ? money(line.unitPrice) : null,
      productId: line.productId,
      available: line.state === "for_sale",
    })),
    totals: totalsView(sum, money),
    requirements,
    heldUntil,
  };
}
