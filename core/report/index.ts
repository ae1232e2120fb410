export * as Report from "./index.js";

import { and, type Column, desc, eq, gte, lt, type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import type { Reader } from "../../drizzle/reader.js";
import { requireFeature } from "../entitlement/index.js";
import { Day } from "../kernel/clock.js";
import { read } from "../kernel/db.js";
import { invalidField } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { Currency, Money } from "../kernel/money.js";
import { pageQuery, paginate } from "../kernel/page.js";
import { TimeZone } from "../kernel/time-zone.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { saleQuarterTable } from "./report.sql.js";

export { countCancelled, countPlaced, countRefunds } from "./fact.js";

export const SalesDay = z
  .object({
    day: z.iso.date(),
    timeZone: z.string().meta({ description: "The time zone in which the day begins and ends" }),
    orders: z.int().meta({ description: "Orders placed on this day, also those that were cancelled later" }),
    cancelledOrders: z.int().meta({ description: "Orders cancelled on this day, whenever they were placed" }),
    gross: Money.meta({ description: "The totals of the orders placed on this day, with tax and delivery" }),
    cancelled: Money.meta({
      description: "The amount that cancellations of this day undid, without the part that was refunded before",
    }),
    refunded: Money.meta({
      description: "Refunds of sales that succeeded on this day, less those that turned out on this day to have failed",
    }),
    net: Money.meta({ description: "`gross` less `cancelled` and `refunded`; below zero when more was given back" }),
    revenue: Money.meta({ description: "The same as `net`", deprecated: true }),
  })
  .meta({ id: "SalesDay", description: "The sales of one day in one currency. A day that is over does not change." });

/** The days that one report covers at most, and by default. */
const MOST_DAYS = 366;
const DEFAULT_DAYS = 31;

export const SalesPage = pageQuery({
  from: Day.optional().meta({ description: `The first day; by default ${DEFAULT_DAYS} days are covered` }),
  to: Day.optional().meta({ description: `The last day, today by default; ${MOST_DAYS} days are covered at most` }),
  timeZone: TimeZone.optional().meta({ description: "An IANA time zone; by default that of the tenant" }),
  currency: Currency.optional(),
});

const DAY = 86_400_000;

/** @throws Failure invalid_request */
function requireRange(from: string | undefined, to: string | undefined): void {
  if (from === undefined) return;
  // Without an end the report ends today, which is nowhere later than tomorrow in UTC.
  const end = to === undefined ? Date.now() + DAY : Date.parse(to);
  const days = Math.floor((end - Date.parse(from)) / DAY) + (to === undefined ? 0 : 1);
  if (to !== undefined && days < 1) throw invalidField("/from", "must not be after `to`");
  if (days > MOST_DAYS)
    throw invalidField("/from", `must be at most ${MOST_DAYS} days before \`to\`, which is today by default`);
}

/**
 * Lists the sales of each day, the newest day first. Its cost depends on the days that are asked for, and not on the age
 * of the shop.
 * @throws Failure invalid_request, or forbidden when the plan has no reports
 */
export const listSales = fn(SalesPage, async ({ limit, cursor, ...filters }) => {
  const { after, page: answer } = paginate("sales", cursor, filters);
  requireRange(filters.from, filters.to);
  const rows = await read((q) => salesQuery(q, { ...filters, after }).limit(limit + 1));
  await requireFeature("reports");
  return answer(
    rows,
    limit,
    ({ day, currency }) => ({ day, currency }),
    ({ currency, gross, cancelled, refunded, ...row }) => {
      const money = (amount: number): Money => ({ amount, currency });
      const net = money(gross - cancelled - refunded);
      const given = { cancelled: money(cancelled), refunded: money(refunded) };
      return { ...row, gross: money(gross), ...given, net, revenue: net };
    },
  );
});

type SalesFilter = Omit<z.output<typeof SalesPage>, "limit" | "cursor"> & {
  after: Partial<Record<string, string>>;
};

/** The sums of each day and currency, from the quarters between the instants at which the days of the time zone begin. */
function salesQuery(q: Reader, { from, to, timeZone, currency, after }: SalesFilter) {
  const { quarter, currency: of } = saleQuarterTable;
  const tenants = q.select({ timeZone: tenantTableRoot.timeZone }).from(tenantTableRoot);
  const zone = timeZone === undefined ? sql`(${tenants})` : sql`${timeZone}::text`;
  const date = (day: string | undefined) => (day ? sql`${day}::date` : sql`(now() at time zone ${zone})::date`);
  const start = (day: SQL) => sql`extract(epoch from (${day})::timestamp at time zone ${zone}) / 900`;
  const first = from ? date(from) : sql`${date(to)} - ${DEFAULT_DAYS - 1}::int`;
  const last = date(after.day ?? to);
  const days = q
    .select({
      day: sql<string>`(to_timestamp(${quarter} * 900::float8) at time zone ${zone})::date`.as("day"),
      currency: of,
      ...sums,
    })
    .from(saleQuarterTable)
    .where(
      and(
        gte(quarter, sql`ceil(${start(first)})::int`),
        lt(quarter, sql`ceil(${start(sql`${last} + 1`)})::int`),
        currency && eq(of, currency),
      ),
    )
    .groupBy(sql`1, 2`)
    .as("sales");
  const past = after.day && sql`(${days.day}, ${days.currency}) < (${after.day}::date, ${after.currency})`;
  return q
    .select({
      day: sql<string>`to_char(${days.day}, 'YYYY-MM-DD')`,
      timeZone: sql<string>`${zone}`,
      currency: days.currency,
      orders: days.orders,
      cancelledOrders: days.cancelledOrders,
      gross: days.gross,
      cancelled: days.cancelled,
      refunded: days.refunded,
    })
    .from(days)
    .where(past ? past : undefined)
    .orderBy(desc(days.day), desc(days.currency));
}

const sumOf = (column: Column) => sql`sum(${column})`.mapWith(Number).as(column.name);
const sums = {
  orders: sumOf(saleQuarterTable.orders),
  cancelledOrders: sumOf(saleQuarterTable.cancelledOrders),
  gross: sumOf(saleQuarterTable.gross),
  cancelled: sumOf(saleQuarterTable.cancelled),
  refunded: sumOf(saleQuarterTable.refunded),
};
