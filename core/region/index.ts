export * as Region from "./index.js";

import { asc, eq, gt, type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import type { Reader } from "../../drizzle/reader.js";
import { Country } from "../kernel/address.js";
import { read } from "../kernel/db.js";
import { fn } from "../kernel/fn.js";
import { Currency } from "../kernel/money.js";
import { listOf, pageQuery, paginate } from "../kernel/page.js";
import { RegionId, regionTable } from "./region.sql.js";

const RegionRecord = z
  .object({
    id: RegionId,
    name: z.string(),
    currency: Currency,
    countries: z.array(Country),
    isDefault: z.boolean(),
    version: z.int(),
  })
  .meta({ id: "Region" });

const view = {
  id: regionTable.id,
  name: regionTable.name,
  currency: sql<Currency>`${regionTable.currency}`,
  countries: regionTable.countries,
  isDefault: regionTable.isDefault,
  version: regionTable.version,
};

const RegionPage = pageQuery({});
export const RegionList = listOf(RegionRecord);

export const list = fn(RegionPage, async ({ limit, cursor }) => {
  const { after, page: answer } = paginate("regions", cursor);
  const rows = await read((q) =>
    q
      .select(view)
      .from(regionTable)
      .where(after.id ? gt(regionTable.id, after.id) : undefined)
      .orderBy(asc(regionTable.id))
      .limit(limit + 1),
  );
  return answer(rows, limit, (row) => ({ id: row.id }));
});

/** The statement that reads the countries of one region. */
export const countriesQuery = (q: Reader, regionId: SQL) =>
  q.select({ countries: regionTable.countries }).from(regionTable).where(eq(regionTable.id, regionId));
