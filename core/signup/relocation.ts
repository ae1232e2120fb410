import { and, eq, exists, isNull, not, sql } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { locationTable } from "../inventory/inventory.sql.js";
import { Country, nameOfCountry } from "../kernel/country.js";
import { db, read } from "../kernel/db.js";
import { conflict, type Failure, notFound } from "../kernel/error.js";
import { emit } from "../kernel/event/index.js";
import { fn } from "../kernel/fn.js";
import { bump, staleVersion } from "../kernel/version.js";
import { orderTable } from "../order/order.sql.js";
import { paymentAccountTable } from "../payment-account/payment-account.sql.js";
import { regionTable } from "../region/region.sql.js";
import { taxClassTable, taxRateTable } from "../tax/tax.sql.js";
import { TenantChange, TenantUpdated, view } from "../tenant/index.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { insertTaxRates } from "./provision.js";

export const TenantPatch = TenantChange.extend({
  country: Country.optional().meta({ description: "Can be corrected before the first order and the payment account" }),
}).partial();

/**
 * Changes the tenant. With another country its region, its location and its tax rates begin anew, as after a sign-up
 * there.
 * @throws Failure stale, or conflict when the country is fixed
 */
export const updateTenant = fn(
  TenantPatch.extend({ version: z.int().optional() }),
  ({ name, country, timeZone, version }) =>
    db(async (tx) => {
      const [tenant] = await tx
        .update(tenantTableRoot)
        .set({ name, country, timeZone, version: bump(tenantTableRoot) })
        .where(and(version === undefined ? undefined : eq(tenantTableRoot.version, version), mayMove(tx, country)))
        .returning({ ...view, was: sql<string>`old.country` });
      if (!tenant) throw await refusal(version);
      const { was, ...changed } = tenant;
      if (was !== changed.country) await move(tx, was, changed.country);
      emit(TenantUpdated, { tenantId: changed.id });
      return changed;
    }),
);

/** The condition under which the country may change: nothing was sold, and no account was opened there. */
function mayMove(tx: Tx, country: string | undefined) {
  if (country === undefined) return undefined;
  const orders = tx.select({ one: sql`1` }).from(orderTable);
  const accounts = tx.select({ one: sql`1` }).from(paymentAccountTable);
  return sql`(${tenantTableRoot.country} = ${country} or (${not(exists(orders))} and ${not(exists(accounts))}))`;
}

async function refusal(version: number | undefined): Promise<Failure> {
  const [current] = await read((q) => q.select({ version: tenantTableRoot.version }).from(tenantTableRoot));
  if (!current) return notFound("tenant");
  if (version !== undefined && version !== current.version) return staleVersion("tenant", current.version);
  return conflict(
    "tenant.country_fixed",
    "The country cannot be changed any more: the tenant has orders or a payment account.",
  );
}

async function move(tx: Tx, from: string, to: string): Promise<void> {
  const countries = sql`array_replace(${regionTable.countries}, ${from}, ${to})`;
  await tx.update(regionTable).set({ countries, version: bump(regionTable) });
  const region = and(eq(regionTable.isDefault, true), eq(regionTable.name, nameOfCountry(from)));
  await tx
    .update(regionTable)
    .set({ name: nameOfCountry(to) })
    .where(region);
  await tx.update(locationTable).set({ country: to }).where(eq(locationTable.country, from));
  const classes = await tx.select({ id: taxClassTable.id, code: taxClassTable.code }).from(taxClassTable);
  await tx.update(tenantTableRoot).set({ taxRatesVersion: sql`${tenantTableRoot.taxRatesVersion} + 1` });
  await tx.delete(taxRateTable).where(eq(taxRateTable.country, from));
  const there = and(eq(taxRateTable.country, to), isNull(taxRateTable.province));
  const [known] = await tx.select({ id: taxRateTable.id }).from(taxRateTable).where(there).limit(1);
  if (!known) await insertTaxRates(tx, to, Object.fromEntries(classes.map(({ id, code }) => [code, id])));
}
