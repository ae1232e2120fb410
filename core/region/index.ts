export * as Region from "./index.js";

import { sql } from "drizzle-orm";
import * as z from "zod";
import { CountryCode } from "../kernel/country.js";
import { fn } from "../kernel/fn.js";
import { listById } from "../kernel/list.js";
import { Currency } from "../kernel/money.js";
import { listOf, pageQuery } from "../kernel/page.js";
import { RegionId, regionTable } from "./region.sql.js";

export { CountryDetail, CountryList, getCountry, listCountries } from "./country.js";

const RegionRecord = z
  .object({
    id: RegionId,
    name: z.string(),
    currency: Currency,
    countries: z.array(CountryCode),
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

export const list = fn(RegionPage, (page) =>
  listById({ name: "regions", id: regionTable.id, order: "asc" }, page, (q) =>
    q.select(view).from(regionTable).$dynamic(),
  ),
);
