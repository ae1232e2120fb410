export * as Report from "./index.js";

import { and, desc, eq, gte, lte, sql } from "drizzle-orm";
import * as z from "zod";
import { requireFeature } from "../entitlement/index.js";
import { Day } from "../kernel/clock.js";
import { db, read } from "../kernel/db.js";
import { fn } from "../kernel/fn.js";
import { Currency, Money } from "../kernel/money.js";
import { pageQuery, paginate } from "../kernel/page.js";
import { salesDayTable } from "./report.sql.js";

export const SalesDay = z
  .object({ day: z.iso.date(), orders: z.int(), revenue: Money })
  .meta({ id: "SalesDay", description: "The orders of one day (UTC) in one currency." });

export const SalesPage = pageQuery({
  from: Day.optional(),
  to: Day.optional(),
  currency: Currency.optional(),
});

/** Lists the sales of each day, the newest day first. @throws Failure forbidden when the plan has no reports */
export const listSales = fn(SalesPage, async ({ limit, cursor, from, to, currency }) => {
  const { after, page: answer } = paginate("sales", cursor, { from, to, currency });
  const past = after.day && sql`(${salesDayTable.day}, ${salesDayTable.currency}) < (${after.day}, ${after.currency})`;
  const rows = await read((q) =>
    q
      .select({
        day: salesDayTable.day,
        currency: salesDayTable.currency,
        orders: salesDayTable.orders,
        amount: salesDayTable.revenue,
      })
      .from(salesDayTable)
      .where(
        and(
          from ? gte(salesDayTable.day, from) : undefined,
          to ? lte(salesDayTable.day, to) : undefined,
          currency ? eq(salesDayTable.currency, currency) : undefined,
          past ? past : undefined,
        ),
      )
      .orderBy(desc(salesDayTable.day), desc(salesDayTable.currency))
      .limit(limit + 1),
  );
  await requireFeature("reports");
  return answer(
    rows,
    limit,
    (row) => ({ day: row.day, currency: row.currency }),
    ({ day, orders, amount, currency: of }) => ({ day, orders, revenue: { amount, currency: of } }),
  );
});

/** Counts one order. The caller makes sure that each order is counted once. */
export const countSale = fn(z.object({ placedAt: z.string(), total: Money }), ({ placedAt, total }) =>
  db((tx) =>
    tx
      .insert(salesDayTable)
      .values({ day: placedAt.slice(0, 10), currency: total.currency, orders: 1, revenue: total.amount })
      .onConflictDoUpdate({
        target: [salesDayTable.tenantId, salesDayTable.day, salesDayTable.currency],
        set: {
          orders: sql`${salesDayTable.orders} + 1`,
          revenue: sql`${salesDayTable.revenue} + excluded.revenue`,
        },
      }),
  ),
);
