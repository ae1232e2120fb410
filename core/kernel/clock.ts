import { type SQL, sql } from "drizzle-orm";
import * as z from "zod";

/** A day of the calendar that Postgres knows too: its years begin with 1. */
export const Day = z.iso.date().refine((day) => day >= "0001-01-01", "must not be before the year 1");

/** RFC 3339 with any offset; kept in UTC, to the millisecond. */
export const Instant = z.iso
  .datetime({ offset: true })
  .max(40)
  .refine(
    (text) => !Number.isNaN(Date.parse(text)) && new Date(text).getUTCFullYear() >= 1,
    "must not be before the year 1",
  );

/** The same instant in UTC: Postgres takes offsets up to 15:59 only. */
export const toUtc = (instant: string): string => new Date(instant).toISOString();

/** An instant by the clock of the database, so many minutes from now. */
export const inMinutes = (minutes: number): SQL => sql`now() + make_interval(mins => ${minutes}::int)`;
