import { type SQL, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";
import * as z from "zod";

/** Parts of a basis point in which rates are counted, so that a rate is a whole number of them. */
export const RATE_SCALE = 100;

/** A rate in basis points, exact to a hundredth of one: 842.5 is 8.425 %. */
export const BasisPoints = z
  .number()
  .min(0)
  .max(10_000)
  .refine((rate) => Number(rate.toFixed(2)) === rate, "must have at most two decimals")
  .meta({ description: "Basis points, with at most two decimals: 1900 is 19 %, 842.5 is 8.425 %", examples: [1900] });

/** The two columns of a rate: whole basis points, and hundredths of one. */
export function splitRate(rate: number): { whole: number; hundredths: number } {
  const parts = Math.round(rate * RATE_SCALE);
  return { whole: Math.floor(parts / RATE_SCALE), hundredths: parts % RATE_SCALE };
}

/**
 * The rate that two columns hold together. They are two because the release before knows whole basis points only: it
 * writes and reads the first column, and the second one has a default.
 */
export const joinedRate = (whole: PgColumn, hundredths: PgColumn): SQL<number> =>
  sql`(${whole} + ${hundredths} / ${sql.raw(`${RATE_SCALE}.0`)})`.mapWith(Number);
