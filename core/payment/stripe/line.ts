import type Stripe from "stripe";
import { Failure } from "../../kernel/error.js";
import { currencyCode, toStripe } from "../../stripe/index.js";
import type { Attempt, AttemptItem } from "../provider.js";

type LineItem = Stripe.Checkout.SessionCreateParams.LineItem;

/** The lines that a page of Stripe's takes at most. */
const MAX_LINES = 100;
const MAX_NAME = 250;

/** An amount that cannot be divided among the pieces is the price of one line with all of them. */
function lineOf({ name, quantity, amount }: AttemptItem, { currency }: Attempt): LineItem {
  const isEven = amount % quantity === 0;
  const text = isEven || quantity === 1 ? name : `${quantity} × ${name}`;
  const unit_amount = toStripe(isEven ? amount / quantity : amount, currency);
  const product_data = { name: text.slice(0, MAX_NAME) };
  return {
    quantity: isEven ? quantity : 1,
    price_data: { currency: currencyCode(currency), unit_amount, product_data },
  };
}

function sumOf(lines: readonly LineItem[]): number {
  return lines.reduce((sum, { quantity = 1, price_data }) => sum + quantity * (price_data?.unit_amount ?? 0), 0);
}

/**
 * The lines of Stripe's page: what is bought, when Stripe can express each part and they make up the total; otherwise
 * one line with the order's number.
 * @param total in Stripe's units
 */
export function lineItems(attempt: Attempt, total: number): LineItem[] {
  const { currency, description, items } = attempt;
  const product_data = { name: description };
  const price_data = { currency: currencyCode(currency), unit_amount: total, product_data };
  const whole: LineItem[] = [{ quantity: 1, price_data }];
  if (items.length === 0 || items.length > MAX_LINES) return whole;
  try {
    const lines = items.map((item) => lineOf(item, attempt));
    return sumOf(lines) === total ? lines : whole;
  } catch (error) {
    if (error instanceof Failure) return whole; // a part that the currency does not have at Stripe
    throw error;
  }
}
