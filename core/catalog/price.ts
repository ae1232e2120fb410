import { asc, eq, type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import type { Reader } from "../../drizzle/reader.js";
import { Amount, Currency } from "../kernel/money.js";
import { variantTable } from "./catalog.sql.js";
import { priceTable } from "./price.sql.js";

export const Price = z
  .object({
    amount: Amount.meta({ description: "Minor units" }),
    currency: Currency,
    compareAt: Amount.nullable().meta({ description: "The compare-at price, shown struck through" }),
    taxInclusive: z.boolean(),
  })
  .meta({ id: "Price", description: "The base price of a variant in one currency." });
export type Price = z.infer<typeof Price>;

/** The prices of one variant: at most one in each currency. Tax is inside them unless they say otherwise. */
export const NewPrices = z
  .array(
    z.strictObject({
      amount: Amount,
      currency: Currency,
      compareAt: Amount.nullable()
        .default(null)
        .describe("The former price, shown struck through, in minor units. null: none"),
      taxInclusive: z.boolean().default(true).describe("Whether the tax is inside the amount, or comes on top"),
    }),
  )
  .max(50)
  .superRefine((prices, { addIssue }) => {
    const seen = new Set<string>();
    for (const [index, { currency }] of prices.entries()) {
      if (seen.has(currency)) addIssue({ code: "custom", path: [index, "currency"], message: "appears twice" });
      seen.add(currency);
    }
  });

/** A row of the table, as the API shows it. */
export const priceShape = sql`json_build_object('amount', ${priceTable.amount}, 'currency', ${priceTable.currency},
  'compareAt', ${priceTable.compareAt}, 'taxInclusive', ${priceTable.taxInclusive})`;

/** All prices of the variant of the surrounding query, as JSON. */
export const pricesOf = (q: Reader): SQL<Price[]> =>
  sql`(${q
    .select({ json: sql`coalesce(json_agg(${priceShape} order by ${asc(priceTable.currency)}), '[]'::json)` })
    .from(priceTable)
    .where(eq(priceTable.variantId, variantTable.id))})`;
