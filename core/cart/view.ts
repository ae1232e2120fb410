import { createHash } from "node:crypto";
import * as z from "zod";
import { Address } from "../kernel/address.js";
import { deliverableEmail } from "../kernel/email.js";
import { Currency, Money } from "../kernel/money.js";
import { OrderId } from "../order/order.sql.js";
import type { CalculatedCart } from "./calculation.js";
import { CartId } from "./cart.sql.js";
import { PaymentRefusal } from "./payment-gate.js";
import { lineView, moneyOf, PricedLine, PricedShipping, PricedTotals, shippingView, totalsView } from "./price-view.js";
import { Requirement } from "./requirement.js";

export const CartRecord = z
  .object({
    id: CartId,
    version: z.int(),
    status: z.enum(["open", "completed"]),
    currency: Currency,
    regionId: z.string(),
    channelId: z.string(),
    email: z.string().nullable(),
    emailDeliverable: z.boolean().nullable().meta({
      description:
        "Whether mails can be sent to the address. false: its part before the @ is not ASCII, so the shopper gets no confirmation by mail",
    }),
    shippingAddress: Address.nullable(),
    billingAddress: Address.nullable().meta({ description: "null: the shipping address" }),
    shippingOption: PricedShipping.extend({ id: z.string() }).nullable(),
    lines: z.array(
      PricedLine.extend({
        productId: z.string(),
        available: z.boolean().meta({
          description:
            "An unavailable line blocks the checkout. It adds nothing to the totals, unless only `shortage` is why",
        }),
        shortage: z
          .object({ requested: z.int(), available: z.int() })
          .nullable()
          .meta({ description: "The units that are for sale, when these are fewer than the line wants" }),
        unitPrice: Money.nullable().meta({ description: "null: no price in the cart's currency" }),
      }),
    ),
    totals: PricedTotals,
    requirements: z
      .array(Requirement)
      .meta({ description: "The reasons why the cart cannot be completed; empty when it can" }),
    paymentRefusals: z
      .array(PaymentRefusal)
      .meta({ description: "The providers that would refuse the total, with the code that `complete` would answer" }),
    heldUntil: z
      .string()
      .nullable()
      .meta({ description: "The instant until which the stock of all lines is reserved; null when it is not" }),
    orderId: OrderId.nullable().meta({
      description: "The order that this cart has become; null while it is open. Its token opens the order as well",
    }),
    orderNumber: z.int().nullable().meta({ description: "The number of that order, as its shopper reads it" }),
    createdAt: z.string(),
    expiresAt: z.string(),
  })
  .meta({ id: "Cart", description: "Prices and taxes are current, not stored." });

/** The order that a cart has become. */
type Become = { id: string; number: number } | null;

/** The cart as the API shows it: amounts with their currency, without the hash of the token and its quote. */
export function view(calculated: CalculatedCart, order: Become = null) {
  const { cart, lines, shipping, totals, requirements, refusals, reservedUntil } = calculated;
  const { tokenHash: _, shippingOptionId: __, quote: ___, heldSince: ____, ...shown } = cart;
  const money = moneyOf(cart.currency);
  return {
    ...shown,
    emailDeliverable: cart.email === null ? null : deliverableEmail(cart.email) !== undefined,
    shippingOption: shipping ? { id: shipping.id, ...shippingView(shipping, money) } : null,
    lines: lines.map((line) => ({
      ...lineView(line, money),
      unitPrice: line.hasPrice ? money(line.unitPrice) : null,
      productId: line.productId,
      available: line.state === "for_sale" && line.shortage === null,
      shortage: line.shortage,
    })),
    totals: totalsView(totals, money),
    requirements,
    paymentRefusals: refusals,
    heldUntil: reservedUntil,
    orderId: order?.id ?? null,
    orderNumber: order?.number ?? null,
  };
}

/**
 * The part of a cart's ETag that stands for all that its version does not count: prices, taxes, names, stock. Equal
 * contents have the same tag.
 */
export const tagOf = ({ lines, shippingOption, totals, requirements, ...more }: ReturnType<typeof view>): string =>
  createHash("sha256")
    .update(JSON.stringify([lines, shippingOption, totals, requirements, more.paymentRefusals, more.heldUntil]))
    .digest("base64url")
    .slice(0, 22);
