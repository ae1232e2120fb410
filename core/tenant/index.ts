export * as Tenant from "./index.js";

import { sql } from "drizzle-orm";
import * as z from "zod";
import { typeIdToUuid, uuidToTypeId } from "../../drizzle/typeid.js";
import { CountryCode } from "../kernel/country.js";
import { queryPlatform, read } from "../kernel/db.js";
import { forbidden, notFound } from "../kernel/error.js";
import { defineEvent } from "../kernel/event/index.js";
import { fn } from "../kernel/fn.js";
import { Currency } from "../kernel/money.js";
import { name } from "../kernel/text.js";
import { TimeZone } from "../kernel/time-zone.js";
import { TenantId, tenantStatuses, tenantTableRoot } from "./tenant.sql.js";

/** Slugs that could be mistaken for parts of an address or for the platform. */
const RESERVED = new Set(
  `about account accounts admin api app assets auth billing blog cdn checkout dashboard demo-admin docs help internal
  localhost login mail operator platform public root security signup staging static status stoa store support system
  tenant test webhook webhooks well-known www`.split(/\s+/),
);

/** The slug of a tenant, which members type to log in. In test mode it ends with `-test` and is given, not chosen. */
export const TenantSlug = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9]|-(?!-)){1,38}[a-z0-9]$/, "must be 3 to 40 lowercase letters, digits and single dashes")
  .refine((slug) => !RESERVED.has(slug), "is reserved")
  .refine((slug) => !slug.endsWith("-test"), 'must not end with "-test"')
  .describe("The short name with which members log in: corner-shop");

export const TenantName = name(200).describe("The shop's name, as mails and receipts show it");

export const TenantRecord = z
  .object({
    id: TenantId,
    slug: z.string(),
    name: z.string(),
    status: z.enum(tenantStatuses),
    livemode: z.boolean(),
    twinId: TenantId.nullable().meta({ description: "The tenant of the other mode (live or test)" }),
    currency: Currency,
    country: CountryCode,
    timeZone: TimeZone.meta({ description: "The IANA time zone in which the days of reports begin and end" }),
    version: z.int(),
    createdAt: z.string(),
  })
  .meta({ id: "Tenant" });

export const TenantCreated = defineEvent(
  "tenant.created",
  z.object({ tenantId: TenantId, slug: z.string(), livemode: z.boolean() }),
);
export const TenantUpdated = defineEvent("tenant.updated", z.object({ tenantId: TenantId }));
export const tenantEvents = [TenantCreated, TenantUpdated];

export const view = {
  id: tenantTableRoot.tenantId,
  slug: tenantTableRoot.slug,
  name: tenantTableRoot.name,
  status: tenantTableRoot.status,
  livemode: tenantTableRoot.livemode,
  twinId: tenantTableRoot.twinId,
  currency: sql<Currency>`${tenantTableRoot.currency}`,
  country: tenantTableRoot.country,
  timeZone: tenantTableRoot.timeZone,
  version: tenantTableRoot.version,
  createdAt: tenantTableRoot.createdAt,
};

/** Reads the caller's tenant. */
export const get = fn(z.void(), async () => {
  const [tenant] = await read((q) => q.select(view).from(tenantTableRoot));
  if (!tenant) throw notFound("tenant");
  return tenant;
});

export const TenantChange = z.strictObject({ name: TenantName, timeZone: TimeZone });

/** The part of a tenant that is readable without a credential. */
export interface FoundTenant {
  id: string;
  slug: string;
  status: string;
  livemode: boolean;
}

/** The platform function that finds a tenant by slug or id, before the caller is known. */
export const findTenantCall = (name: string) =>
  ["find_tenant", TenantId.safeParse(name).success ? typeIdToUuid("ten", name) : name.toLowerCase()] as const;

export function toFoundTenant(rows: readonly unknown[] | undefined): FoundTenant | undefined {
  const [row] = (rows ?? []) as FoundTenant[];
  return row && { ...row, id: uuidToTypeId("ten", row.id) };
}

/** @throws Failure not_found */
export async function findByName(name: string): Promise<FoundTenant> {
  const [rows] = await queryPlatform(findTenantCall(name));
  const tenant = toFoundTenant(rows);
  if (!tenant) throw notFound("tenant");
  return tenant;
}

const isName = (tenant: Pick<FoundTenant, "id" | "slug">, name: string) => name === tenant.id || name === tenant.slug;

/**
 * Refuses a request that names another tenant than its credential's, or two different ones.
 * @throws Failure forbidden
 */
export function requireSameTenant(
  tenant: Pick<FoundTenant, "id" | "slug"> | undefined,
  names: readonly string[],
): void {
  const agreed = tenant ? names.every((name) => isName(tenant, name)) : new Set(names).size <= 1;
  if (!agreed) throw forbidden("tenant_mismatch", "The request names another tenant than the credential's.");
}

export type { TenantState } from "./access.js";
