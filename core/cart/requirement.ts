import * as z from "zod";
import { MAX_AMOUNT } from "../kernel/money.js";
import type { CartRow } from "./key.js";

/** A reason why a cart cannot become an order yet. */
export const Requirement = z
  .enum([
    "lines_missing",
    "variant_unavailable",
    "email_missing",
    "shipping_address_missing",
    "country_not_served",
    "shipping_option_missing",
    "total_too_large",
    "stock_insufficient",
    "payment_unavailable",
    "orders_closed",
  ])
  .meta({ id: "Requirement" });
export type Requirement = z.infer<typeof Requirement>;

/**
 * The requirements that a statement or a provider decides in the end: `complete` refuses them with a code that says
 * more, because they may change between the look and the act.
 */
export const decidedLater: readonly Requirement[] = ["stock_insufficient", "payment_unavailable", "orders_closed"];

/** Only a line that is for sale adds to the totals. */
export type LineState = "for_sale" | "unavailable" | "too_large";

interface Completeness {
  cart: Pick<CartRow, "email" | "shippingAddress">;
  lines: readonly { state: LineState; shortage: object | null }[];
  shipping: object | undefined;
  /** Minor units. */
  total: number;
  /** The countries of the cart's region. */
  countries: readonly string[];
  /** Whether some provider takes the total. */
  isPayable: boolean;
  /** Whether the merchant's plan has room for another order. */
  hasRoom: boolean;
}

/** The reasons why a cart cannot be completed, in the order of the schema; none when it can. */
export function requirementsOf({ cart, lines, shipping, total, ...shop }: Completeness): Requirement[] {
  const { email, shippingAddress } = cart;
  const isMissing: Record<Requirement, boolean> = {
    lines_missing: lines.length === 0,
    variant_unavailable: lines.some(({ state }) => state === "unavailable"),
    email_missing: !email,
    shipping_address_missing: !shippingAddress,
    country_not_served: shippingAddress !== null && !shop.countries.includes(shippingAddress.country),
    shipping_option_missing: !shipping,
    total_too_large: total > MAX_AMOUNT || lines.some(({ state }) => state === "too_large"),
    stock_insufficient: lines.some(({ shortage }) => shortage !== null),
    payment_unavailable: !shop.isPayable,
    orders_closed: !shop.hasRoom,
  };
  return Requirement.options.filter((name) => isMissing[name]);
}
