import type { Sellable } from "../catalog/index.js";
import { calculateAmounts, isWithinLimit, type ListedPrice, sumTotals, type Totals } from "../kernel/amounts.js";
import { Tax } from "../tax/index.js";
import type { CartRows } from "./cart-rows.js";
import type { CartRow } from "./key.js";
import { paymentGates, paymentRefusals } from "./payment-gate.js";
import type { Line, Shipping } from "./price-view.js";
import { type LineState, type Requirement, requirementsOf } from "./requirement.js";

interface CalculatedLine extends Line {
  productId: string;
  /** Whether the variant has a price in the cart's currency. */
  hasPrice: boolean;
  state: LineState;
  /** Set when fewer units are for sale than the line wants. */
  shortage: Shortage | null;
}
interface Shortage {
  requested: number;
  available: number;
}

/** A cart with its amounts of this moment, in minor units, and the reasons why it cannot be completed yet. */
export interface CalculatedCart {
  cart: CartRow;
  lines: CalculatedLine[];
  shipping: (Shipping & { id: string }) | undefined;
  totals: Totals;
  requirements: Requirement[];
  /** The providers that would refuse the total. */
  refusals: ReturnType<typeof paymentRefusals>;
  reservedUntil: string | null;
}

type RateOf = ReturnType<typeof Tax.rateTable>;

/**
 * Calculates a cart from loaded rows only: price, then shipping, then tax, then the totals. Each step takes the result
 * of the steps before it, so that a discount is a step of its own between price and tax.
 */
export function calculateCart(cart: CartRow, rows: CartRows): CalculatedCart {
  const rateOf = Tax.rateTable(rows.rates);
  const variants = new Map(rows.variants.map((variant) => [variant.id, variant]));
  const lines = rows.lines.flatMap((line) => {
    const variant = variants.get(line.variantId);
    return variant ? [calculateLine(line, variant, rateOf)] : [];
  });
  const shipping = calculateShipping(rows.shippingOption, rateOf);
  const totals = sumTotals(lines, shipping);
  const { countries, hasRoom, account, reservedUntil } = rows;
  const refusals = paymentRefusals({ amount: totals.total, currency: cart.currency }, account);
  const isPayable = refusals.length === 0 || refusals.length < paymentGates.all().length;
  const requirements = requirementsOf({ cart, lines, shipping, total: totals.total, countries, isPayable, hasRoom });
  return { cart, lines, shipping, totals, requirements, refusals, reservedUntil };
}

function calculateLine(line: CartRows["lines"][number], variant: Sellable, rateOf: RateOf): CalculatedLine {
  const { product, price } = variant;
  const listed = withTax(priceLine(line, price), rateOf(product.taxClassId));
  const amounts = calculateAmounts(listed);
  const state = stateOf(variant, isWithinLimit(amounts));
  return {
    ...line,
    sku: variant.sku,
    productId: product.id,
    productName: product.name,
    variantName: variant.name,
    options: variant.options,
    ...listed,
    ...(state === "for_sale" ? amounts : { subtotal: 0, tax: 0, total: 0 }),
    hasPrice: price !== null,
    state,
    shortage: state === "for_sale" ? shortageOf(line.quantity, variant.available) : null,
  };
}

const shortageOf = (requested: number, units: number): Shortage | null =>
  units < requested ? { requested, available: Math.max(0, units) } : null;

type Priced = Omit<ListedPrice, "taxRate">;

const priceLine = ({ quantity }: { quantity: number }, price: Sellable["price"]): Priced => ({
  unitPrice: price?.amount ?? 0,
  quantity,
  taxInclusive: price?.taxInclusive ?? true,
});

const withTax = (priced: Priced, taxRate: number): ListedPrice => ({ ...priced, taxRate });

function stateOf({ product, price }: Sellable, isWithinLimit: boolean): LineState {
  if (product.status !== "active" || price === null) return "unavailable";
  return isWithinLimit ? "for_sale" : "too_large";
}

function calculateShipping(option: CartRows["shippingOption"], rateOf: RateOf): CalculatedCart["shipping"] {
  if (!option) return undefined;
  const { id, name, amount, taxInclusive, taxClassId } = option;
  const listed = withTax({ unitPrice: amount, quantity: 1, taxInclusive }, rateOf(taxClassId));
  return { id, name, ...listed, ...calculateAmounts(listed) };
}
