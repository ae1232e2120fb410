import { and, eq, isNull, or, type SQL, sql } from "drizzle-orm";
import type { Reader } from "../../drizzle/reader.js";
import { joinedRate } from "../kernel/basis-points.js";
import { taxClassTable, taxRateTable } from "./tax.sql.js";

/** Basis points, with at most two decimals. */
export const rateColumn = joinedRate(taxRateTable.rateWhole, taxRateTable.rateHundredths);

/**
 * The statement that reads the rates of all tax classes in one place: the country's, and after it the province's. A class
 * without a rate is not taxed there.
 */
export const ratesQuery = (q: Reader, { country, province }: Record<"country" | "province", SQL>) =>
  q
    .select({
      taxClassId: taxClassTable.id,
      isDefault: taxClassTable.isDefault,
      rate: rateColumn as SQL<number | null>, // no row, no rate
    })
    .from(taxClassTable)
    .leftJoin(
      taxRateTable,
      and(
        eq(taxRateTable.taxClassId, taxClassTable.id),
        eq(taxRateTable.country, country),
        or(isNull(taxRateTable.province), eq(taxRateTable.province, province)),
      ),
    )
    .orderBy(taxClassTable.id, sql`${taxRateTable.province} nulls first`);

type Rates = Awaited<ReturnType<typeof ratesQuery>>;

/**
 * Answers the rate of a tax class, in basis points with at most two decimals.
 * @returns a function; without a class it answers the rate of the tenant's default class
 */
export function rateTable(rates: Rates): (taxClassId: string | null) => number {
  const byClass = new Map(rates.map(({ taxClassId, rate }) => [taxClassId, rate ?? 0]));
  const standard = rates.findLast(({ isDefault }) => isDefault)?.rate ?? 0; // the province's after the country's
  return (taxClassId) => (taxClassId === null ? standard : (byClass.get(taxClassId) ?? 0));
}
