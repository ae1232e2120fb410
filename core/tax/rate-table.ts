import { and, eq, type SQL } from "drizzle-orm";
import type { Reader } from "../../drizzle/reader.js";
import { joinedRate } from "../kernel/basis-points.js";
import { taxClassTable, taxRateTable } from "./tax.sql.js";

/** Basis points, with at most two decimals. */
export const rateColumn = joinedRate(taxRateTable.rateWhole, taxRateTable.rateHundredths);

/** The statement that reads the rates of all tax classes in one country; a class without a rate is not taxed there. */
export const ratesQuery = (q: Reader, country: SQL) =>
  q
    .select({
      taxClassId: taxClassTable.id,
      isDefault: taxClassTable.isDefault,
      rate: rateColumn as SQL<number | null>, // no row, no rate
    })
    .from(taxClassTable)
    .leftJoin(taxRateTable, and(eq(taxRateTable.taxClassId, taxClassTable.id), eq(taxRateTable.country, country)))
    .orderBy(taxClassTable.id);

type Rates = Awaited<ReturnType<typeof ratesQuery>>;

/**
 * Answers the rate of a tax class, in basis points with at most two decimals.
 * @returns a function; without a class it answers the rate of the tenant's default class
 */
export function rateTable(rates: Rates): (taxClassId: string | null) => number {
  const byClass = new Map(rates.map(({ taxClassId, rate }) => [taxClassId, rate ?? 0]));
  const standard = rates.find(({ isDefault }) => isDefault)?.rate ?? 0;
  return (taxClassId) => (taxClassId === null ? standard : (byClass.get(taxClassId) ?? 0));
}
