export * as Tax from "./index.js";

import { asc } from "drizzle-orm";
import * as z from "zod";
import { Country } from "../kernel/address.js";
import { db } from "../kernel/db.js";
import { invalid } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { listById } from "../kernel/list.js";
import { pageQuery } from "../kernel/page.js";
import { insertRows } from "../kernel/rows.js";
import { TaxClassId, TaxRateId, taxClassTable, taxRateTable } from "./tax.sql.js";

export { ratesQuery, rateTable } from "./rate-table.js";

export const TaxClass = z
  .object({ id: TaxClassId, name: z.string(), code: z.string(), isDefault: z.boolean() })
  .meta({ id: "TaxClass", description: "The tax treatment of a product: standard, reduced or exempt." });

const NewRate = z.strictObject({
  taxClassId: TaxClassId,
  country: Country,
  name: z.string().trim().min(1).max(100),
  rate: z.int().min(0).max(10_000).meta({ description: "Basis points: 1900 is 19 %" }),
});
export const TaxRate = z
  .object({ id: TaxRateId, ...NewRate.shape })
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
  name: taxRateTable.name,
  rate: taxRateTable.rate,
};

export const ClassPage = pageQuery({});

export const listClasses = fn(ClassPage, (page) =>
  listById({ name: "tax_classes", id: taxClassTable.id, order: "asc" }, page, (q) =>
    q.select(classView).from(taxClassTable).$dynamic(),
  ),
);

export const RatePage = pageQuery({});

export const listRates = fn(RatePage, (page) =>
  listById({ name: "tax_rates", id: taxRateTable.id, order: "asc" }, page, (q) =>
    q.select(rateView).from(taxRateTable).$dynamic(),
  ),
);

export const Rates = z.strictObject({
  rates: z
    .array(NewRate)
    .max(500)
    .superRefine((list, { addIssue }) => {
      const seen = new Set<string>();
      for (const [index, { taxClassId, country }] of list.entries()) {
        const key = `${taxClassId} ${country}`;
        if (seen.has(key))
          addIssue({ code: "custom", path: [index, "country"], message: "appears twice for its tax class" });
        seen.add(key);
      }
    }),
});

/** Replaces all rates. */
export const setRates = fn(Rates, ({ rates: wanted }) =>
  db(async (tx) => {
    // The locks of the classes serve as a lock of the whole table: a second writer waits here.
    const known = await tx
      .select({ id: taxClassTable.id })
      .from(taxClassTable)
      .orderBy(asc(taxClassTable.id))
      .for("update");
    const errors = wanted.flatMap(({ taxClassId }, index) =>
      known.some((one) => one.id === taxClassId)
        ? []
        : [{ pointer: `/rates/${index}/taxClassId`, detail: "does not exist" }],
    );
    if (errors.length > 0) throw invalid("invalid_request", "The tax class does not exist.", { errors });
    await tx.delete(taxRateTable);
    if (wanted.length === 0) return { data: [] };
    const values = wanted.map((rate) => ({ id: TaxRateId.create(), ...rate }));
    return { data: await insertRows(tx, taxRateTable, values).returning(rateView) };
  }),
);
