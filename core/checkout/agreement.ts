import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { Cart } from "../cart/index.js";
import { type AfterCommit, afterCommit } from "../kernel/after-commit.js";
import { conflict } from "../kernel/error.js";
import { Amount, Currency } from "../kernel/money.js";
import { staleVersion } from "../kernel/version.js";

type Calculated = ReturnType<typeof Cart.calculateCart>;

export const ExpectedTotal = z.strictObject({ amount: Amount, currency: Currency }).meta({
  description:
    "The total that the shopper has agreed to. Without it the cart's last answer to a write counts as what the shopper has seen",
});

/** What the caller says to have seen of a cart. */
interface Seen {
  /** The second part of the ETag of the answer that was read. */
  tag: string | undefined;
  expectedTotal: z.output<typeof ExpectedTotal> | undefined;
}

/**
 * Refuses to bind a shopper to amounts that were not shown: prices, taxes and delivery are those of the moment, and may
 * have moved since. The caller says what was seen; otherwise it is what the cart answered last. The refusal shows the
 * new amounts, which are remembered as shown, so that the shopper who agrees to them repeats the request under another
 * key. That is written before the refusal is thrown, which therefore comes after the commit; the cart stays open, in the
 * version that it had.
 * @returns the rest of the request, which throws the failure conflict `cart.total_changed`; undefined when the shopper
 * has seen the amounts
 * @throws Failure stale for the ETag of other contents
 */
export function refuseUnseen(tx: Tx, calculated: Calculated, seen: Seen): AfterCommit<never> | undefined {
  const { cart, totals } = calculated;
  const version = cart.version - 1; // the lock has counted one up
  if (seen.tag !== undefined && seen.tag !== Cart.tagOf(Cart.view(calculated))) throw staleVersion("cart", version);
  const refusal = refusalOf(calculated, seen);
  if (!refusal) return undefined;
  Cart.rememberQuote(tx, calculated, { status: "open", version });
  return afterCommit(async () => {
    throw conflict("cart.total_changed", "The cart costs something else than expected; see `total` and `changes`.", {
      data: Cart.quoteData(refusal.expected, refusal.changes, { cart, lines: calculated.lines, totals }),
    });
  });
}

function refusalOf(calculated: Calculated, { tag, expectedTotal }: Seen) {
  const { cart, totals } = calculated;
  const changes = cart.quote ? Cart.changesSince(cart.quote, calculated) : [];
  if (expectedTotal) {
    const { amount, currency } = expectedTotal;
    return amount === totals.total && currency === cart.currency ? undefined : { expected: expectedTotal, changes };
  }
  // Tax inside of an unchanged price costs the shopper nothing; on top of a price it moves the total of its line.
  if (tag !== undefined || !cart.quote || changes.every(({ type }) => type === "tax")) return undefined;
  return { expected: { amount: cart.quote.total, currency: cart.quote.currency }, changes };
}
