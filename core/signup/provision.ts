import type { Tx } from "../../drizzle/tenant.js";
import { startTrial } from "../billing/index.js";
import { ChannelId, channelTable } from "../channel/channel.sql.js";
import { consumeEntitlement, initialPlan } from "../entitlement/index.js";
import { MemberId, memberTable } from "../identity/identity.sql.js";
import { Member, memberMeter } from "../identity/index.js";
import { LocationId, locationTable } from "../inventory/inventory.sql.js";
import { nameOfCountry } from "../kernel/country.js";
import { emit } from "../kernel/event/index.js";
import { type Currency, exponent } from "../kernel/money.js";
import { RegionId, regionTable } from "../region/region.sql.js";
import { ShippingOptionId, shippingOptionTable } from "../shipping/shipping.sql.js";
import { TaxClassId, TaxRateId, taxClassTable, taxRateTable } from "../tax/tax.sql.js";
import { TenantCreated, view } from "../tenant/index.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { startingRates } from "./vat.js";

export interface ProvisionInput {
  tenant: {
    tenantId: string;
    slug: string;
    name: string;
    livemode: boolean;
    twinId: string;
    currency: Currency;
    country: string;
  };
  owner: { email: string; name: string; passwordHash: string };
}

/**
 * Inserts a tenant with its owner and the defaults for a first sale, in the open transaction of the tenant's own
 * context.
 * @returns undefined when the slug or the tenant exists already
 */
export async function provision(tx: Tx, { tenant, owner }: ProvisionInput) {
  const [opened] = await tx
    .insert(tenantTableRoot)
    .values({ ...tenant, plan: initialPlan(tenant.livemode) })
    .onConflictDoNothing()
    .returning(view);
  if (!opened) return undefined;
  const [member] = await tx
    .insert(memberTable)
    .values({ id: MemberId.create(), role: "OWNER", ...owner })
    .returning(Member.view);
  if (!member) throw new Error("The owner was not inserted.");
  await insertDefaults(tx, tenant);
  await startTrial(tx, tenant.livemode);
  await consumeEntitlement(memberMeter);
  emit(TenantCreated, { tenantId: opened.id, slug: opened.slug, livemode: opened.livemode });
  return { tenant: opened, member };
}

/** Region, tax, channel, location and a way to deliver: enough for the first sale. */
async function insertDefaults(tx: Tx, { currency, country }: ProvisionInput["tenant"]): Promise<void> {
  const [regionId, standardId] = [RegionId.create(), TaxClassId.create()];
  const name = nameOfCountry(country);
  const region = { id: regionId, name, currency, countries: [country], isDefault: true };
  await tx.insert(regionTable).values(region);
  await insertTaxDefaults(tx, country, standardId);
  await tx.insert(channelTable).values({ id: ChannelId.create(), slug: "web", name: "Web shop", isDefault: true });
  await tx.insert(locationTable).values({ id: LocationId.create(), name: "Main", country, isDefault: true });
  await tx.insert(shippingOptionTable).values({
    id: ShippingOptionId.create(),
    regionId,
    name: "Standard",
    amount: 5 * 10 ** exponent(currency),
    currency,
    taxClassId: standardId,
  });
}

async function insertTaxDefaults(tx: Tx, country: string, standardId: string): Promise<void> {
  const [reducedId, exemptId] = [TaxClassId.create(), TaxClassId.create()];
  await tx.insert(taxClassTable).values([
    { id: standardId, code: "standard", name: "Standard", isDefault: true },
    { id: reducedId, code: "reduced", name: "Reduced" },
    { id: exemptId, code: "exempt", name: "Exempt" },
  ]);
  await insertTaxRates(tx, country, { standard: standardId, reduced: reducedId, exempt: exemptId });
}

/**
 * Inserts the rates with which a tenant begins in a country, by the codes of its tax classes. The reduced rate differs by
 * goods, so that it begins as the standard rate: too little tax is never charged before the merchant has set it. Where
 * the rate is not known there is none, and the list of rates says so.
 */
export async function insertTaxRates(tx: Tx, country: string, classes: Record<string, string>): Promise<void> {
  const known = startingRates(country) ?? [];
  const none = [{ province: null, rate: 0 }];
  const starting = [
    { taxClassId: classes.standard, name: "Standard", rates: known },
    { taxClassId: classes.reduced, name: "Reduced", rates: known },
    { taxClassId: classes.exempt, name: "Exempt", rates: none },
  ];
  const rows = starting.flatMap(({ taxClassId, name, rates }) =>
    taxClassId === undefined
      ? []
      : rates.map(({ province, rate }) => ({
          id: TaxRateId.create(),
          taxClassId,
          country,
          province,
          name,
          rateWhole: rate,
        })),
  );
  if (rows.length > 0) await tx.insert(taxRateTable).values(rows);
}
