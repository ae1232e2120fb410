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
  ])
  .meta({ id: "Requirement" });
export type Requirement = z.infer<typeof Requirement>;

/** Only a line that is for sale adds to the totals. */
export type LineState = "for_sale" | "unavailable" | "too_large";

interface Completeness {
  cart: Pick<CartRow, "email" | "shippingAddress">;
  lines: readonly { state: LineState }[];
  shipping: object | undefined;
  /** Minor units. */
  total: number;
  /** The countries of the cart's region. */
  countries: readonly string[];
}

/** The reasons why a cart cannot be completed, in the order of the schema; none when it can. */
export function requirementsOf({ cart, lines, shipping, total, countries }: Completeness): Requirement[] {
  const { email, shippingAddress } = cart;
  const isMissing: Record<Requirement, boolean> = {
    lines_missing: lines.length === 0,
    variant_unavailable: lines.some(({ state }) => state === "unavailable"),
    email_missing: !email,
    shipping_address_missing: !shippingAddress,
    country_not_served: shippingAddress !== null && !countries.includes(shippingAddress.country),
    shipping_option_missing: !shipping,
    total_too_large: total > MAX_AMOUNT || lines.some(({ state }) => state === "too_large"),
  };
  return Requirement.options.filter((name) => isMissing[name]);
}
