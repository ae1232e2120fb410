import { eq } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { defer } from "../kernel/db.js";
import { Money } from "../kernel/money.js";
import type { CalculatedCart } from "./calculation.js";
import { cartTable, LineId, type Quote } from "./cart.sql.js";
import { moneyOf, totalsView } from "./price-view.js";
import { view } from "./view.js";

/** One amount of a cart that differs from the one that its shopper was shown. */
const AmountChange = z
  .object({
    type: z.enum(["line", "shipping", "tax"]),
    lineId: LineId.optional(),
    before: Money.nullable().meta({ description: "null: it was not shown" }),
    after: Money.nullable().meta({ description: "null: it is not there any more" }),
  })
  .meta({ id: "AmountChange" });
type AmountChange = z.input<typeof AmountChange>;

type Priced = Pick<CalculatedCart, "cart" | "lines" | "totals">;

function quoteOf({ cart: { currency }, lines, totals }: Priced): Quote {
  const { subtotal, shipping, tax, total } = totals;
  return {
    currency,
    subtotal,
    shipping,
    tax,
    total,
    lines: Object.fromEntries(lines.map((line) => [line.id, line.total])),
  };
}

/** The amounts that moved since a quote; none when the cart still costs what was shown. */
export function changesSince(quote: Quote, priced: Priced): AmountChange[] {
  const now = quoteOf(priced);
  const change = (
    type: AmountChange["type"],
    before: number | undefined,
    after: number | undefined,
    lineId?: string,
  ) =>
    before === after && quote.currency === now.currency
      ? []
      : [
          {
            type,
            ...(lineId !== undefined && { lineId }),
            before: before === undefined ? null : moneyOf(quote.currency)(before),
            after: after === undefined ? null : moneyOf(now.currency)(after),
          },
        ];
  const lineIds = new Set([...Object.keys(quote.lines), ...Object.keys(now.lines)]);
  return [
    ...[...lineIds].sort().flatMap((id) => change("line", quote.lines[id], now.lines[id], id)),
    ...change("shipping", quote.shipping, now.shipping),
    ...change("tax", quote.tax, now.tax),
  ];
}

/** The data of a refusal: what was expected, and all that the cart costs now. */
export const quoteData = (expected: Money, changes: readonly AmountChange[], { cart, totals }: Priced) => ({
  expected,
  total: moneyOf(cart.currency)(totals.total),
  totals: totalsView(totals, moneyOf(cart.currency)),
  changes,
});

/** The answer of a write: the cart, whose amounts are remembered as shown, in a later statement where they moved. */
export function show(tx: Tx, calculated: CalculatedCart) {
  const { cart } = calculated;
  if (cart.quote === null ? calculated.lines.length > 0 : changesSince(cart.quote, calculated).length > 0)
    rememberQuote(tx, calculated);
  return view(calculated);
}

/** Writes down what the shopper is shown. The caller holds the lock of the cart. */
export function rememberQuote(tx: Tx, { cart, ...priced }: Priced, changes: object = {}): void {
  const quote = quoteOf({ cart, ...priced });
  defer(
    tx
      .update(cartTable)
      .set({ ...changes, quote })
      .where(eq(cartTable.id, cart.id)),
  );
}
