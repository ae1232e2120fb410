export * as Tax from "./index.js";

import { asc, eq, gt, sql } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { BasisPoints, splitRate } from "../kernel/basis-points.js";
import { Country, CountryCode, isProvinceOf, ProvinceCode } from "../kernel/country.js";
import { db, read } from "../kernel/db.js";
import { invalid, notFound } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { listById } from "../kernel/list.js";
import { listOf, pageQuery, paginate } from "../kernel/page.js";
import { insertRows } from "../kernel/rows.js";
import { name } from "../kernel/text.js";
import { staleOrMissing } from "../kernel/version.js";
import { regionTable } from "../region/region.sql.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { rateColumn } from "./rate-table.js";
import { TaxClassId, TaxRateId, taxClassTable, taxRateTable } from "./tax.sql.js";

export { ratesQuery, rateTable } from "./rate-table.js";

export const TaxClass = z
  .object({ id: TaxClassId, name: z.string(), code: z.string(), isDefault: z.boolean() })
  .meta({ id: "TaxClass", description: "The tax treatment of a product: standard, reduced or exempt." });

const NewRate = z.strictObject({
  taxClassId: TaxClassId.describe("The class of goods to which the rate applies"),
  country: Country,
  province: ProvinceCode.nullable()
    .default(null)
    .meta({ description: "ISO 3166-2; the rate applies there instead of the country's. null: the country's rate" }),
  name: name(100).describe("As receipts show it: VAT 19 %"),
  rate: BasisPoints,
});
const TaxRate = z
  .object({ id: TaxRateId, ...NewRate.shape, country: CountryCode, province: z.string().nullable(), name: z.string() })
  .meta({ id: "TaxRate", description: "The rate of a tax class in a country." });

const classView = {
  id: taxClassTable.id,
  name: taxClassTable.name,
  code: taxClassTable.code,
  isDefault: taxClassTable.isDefault,
};
const rateView = {
  id: taxRateTable.id,
  taxClassId: taxRateTable.taxClassId,
  country: taxRateTable.country,
  province: taxRateTable.province,
  name: taxRateTable.name,
  rate: rateColumn,
};

export const ClassPage = pageQuery({});

export const listClasses = fn(ClassPage, (page) =>
  listById({ name: "tax_classes", id: taxClassTable.id, order: "asc" }, page, (q) =>
    q.select(classView).from(taxClassTable).$dynamic(),
  ),
);

export const RatePage = pageQuery({});

const version = z.int().meta({ description: "Counts up with each change of the list; the ETag begins with it" });
const Unset = z.object({ taxClassId: TaxClassId, country: CountryCode });
export const RateList = listOf(TaxRate).extend({
  version,
  unset: z.array(Unset).meta({
    description: "Tax classes without a rate in a country of delivery. Nothing is charged there before you set one",
  }),
});
export const RateSet = z.object({ data: z.array(TaxRate), version });

/** Reads one page of the rates, and the version of the whole list, in one round trip. */
export const listRates = fn(RatePage, async ({ limit, cursor, ...filters }) => {
  const { after, page } = paginate("tax_rates", cursor, filters);
  const [rows, [tenant], regions, classes, set] = await read(
    (q) =>
      [
        q
          .select(rateView)
          .from(taxRateTable)
          .where(after.id ? gt(taxRateTable.id, after.id) : undefined)
          .orderBy(asc(taxRateTable.id))
          .limit(limit + 1),
        q.select({ version: tenantTableRoot.taxRatesVersion }).from(tenantTableRoot),
        q.select({ countries: regionTable.countries }).from(regionTable),
        q.select({ taxClassId: taxClassTable.id }).from(taxClassTable).orderBy(asc(taxClassTable.id)),
        q.selectDistinct({ taxClassId: taxRateTable.taxClassId, country: taxRateTable.country }).from(taxRateTable),
      ] as const,
  );
  if (!tenant) throw notFound("tenant");
  const unset = unsetRates(new Set(regions.flatMap(({ countries }) => countries)), classes, set);
  return { ...page(rows, limit, ({ id }) => ({ id })), ...tenant, unset };
});

/** The pairs of tax class and country of delivery for which there is no rate. */
function unsetRates(
  countries: ReadonlySet<string>,
  classes: readonly { taxClassId: string }[],
  set: readonly { taxClassId: string; country: string }[],
) {
  const known = new Set(set.map(({ taxClassId, country }) => `${taxClassId} ${country}`));
  return [...countries].flatMap((country) =>
    classes.flatMap(({ taxClassId }) => (known.has(`${taxClassId} ${country}`) ? [] : [{ taxClassId, country }])),
  );
}

export const Rates = z.strictObject({
  rates: z
    .array(NewRate)
    .max(500)
    .superRefine((list, { addIssue }) => {
      const seen = new Set<string>();
      for (const [index, { taxClassId, country, province }] of list.entries()) {
        const key = `${taxClassId} ${province ?? country}`;
        if (province && !isProvinceOf(country, province))
          addIssue({ code: "custom", path: [index, "province"], message: `must be a province of ${country}` });
        if (seen.has(key))
          addIssue({ code: "custom", path: [index, "country"], message: "appears twice for its tax class" });
        seen.add(key);
      }
    })
    .describe("All rates of the shop; those that are not in it are removed"),
});

/**
 * Counts up the version of the list of rates. The row of the tenant stays locked until the commit, so that of two
 * writers the second one waits here, and is refused when it has read the list before the first one changed it.
 * @throws Failure stale when `expected` is given and no longer current
 */
async function touchRates(tx: Tx, expected: number | undefined): Promise<number> {
  const { taxRatesVersion } = tenantTableRoot;
  const [touched] = await tx
    .update(tenantTableRoot)
    .set({ taxRatesVersion: sql`${taxRatesVersion} + 1` })
    .where(expected === undefined ? undefined : eq(taxRatesVersion, expected))
    .returning({ version: taxRatesVersion });
  if (touched) return touched.version;
  const [current] = await tx.select({ version: taxRatesVersion }).from(tenantTableRoot);
  throw staleOrMissing("list of tax rates", current);
}

/** Replaces all rates. @throws Failure stale when `version` is given and no longer current */
export const setRates = fn(Rates.extend({ version: z.int().optional() }), ({ rates: wanted, version: expected }) =>
  db(async (tx) => {
    const version = await touchRates(tx, expected);
    const known = await tx.select({ id: taxClassTable.id }).from(taxClassTable);
    const errors = wanted.flatMap(({ taxClassId }, index) =>
      known.some((one) => one.id === taxClassId)
        ? []
        : [{ pointer: `/rates/${index}/taxClassId`, detail: "does not exist" }],
    );
    if (errors.length > 0) throw invalid("invalid_request", "The tax class does not exist.", { errors });
    await tx.delete(taxRateTable);
    if (wanted.length === 0) return { data: [], version };
    const values = wanted.map(({ rate, ...rest }) => {
      const { whole: rateWhole, hundredths: rateHundredths } = splitRate(rate);
      return { id: TaxRateId.create(), ...rest, rateWhole, rateHundredths };
    });
    return { data: await insertRows(tx, taxRateTable, values).returning(rateView), version };
  }),
);
