import { sql } from "drizzle-orm";
import { boolean, char, check, integer, primaryKey, text, unique } from "drizzle-orm/pg-core";
import { version } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";
import type { PlanCode } from "../entitlement/entitlement.sql.js";
import { id } from "../kernel/id.js";

export const TenantId = id("ten");

export const tenantStatuses = ["trial", "active", "past_due", "suspended", "closing"] as const;

/**
 * `read_only`: the staff can only read, shoppers can buy. `blocked`: the shop is closed; the staff can read and pay.
 */
export const tenantAccesses = ["full", "read_only", "blocked"] as const;

/** A merchant. The row is its own tenant: `tenant_id` is the id. */
export const tenantTableRoot = tenantTable(
  "tenant",
  {
    /** Unique in the whole deployment: people type it to log in. */
    slug: text("slug").notNull(),
    name: text("name").notNull(),
    status: text("status", { enum: tenantStatuses }).notNull().default("trial"),
    /** The access that follows from the status; the look-up of each credential reads it. */
    access: text("access", { enum: tenantAccesses }).notNull().default("full"),
    /**
     * The plan of the tenant's subscription, in this row because each request reads it. Null in a row of a release that
     * did not write it: then the mode decides (`planCode`).
     */
    plan: text("plan").$type<PlanCode>(),
    /** The plan's limit of requests per second, in this row because each request reads it. */
    requestRate: integer("request_rate").notNull().default(2_000),
    livemode: boolean("livemode").notNull(),
    /** Test mode is a twin tenant of its own, made with the live one. */
    twinId: TenantId.column("twin_id"),
    currency: char("currency", { length: 3 }).notNull(),
    country: char("country", { length: 2 }).notNull(),
    /** The time zone of the days in reports, by its IANA name. */
    timeZone: text("time_zone").notNull().default("UTC"),
    /** Counts up with each change of the tax rates, which are one list. */
    taxRatesVersion: integer("tax_rates_version").notNull().default(1),
    version: version(),
  },
  (self) => [
    primaryKey({ name: "tenant_pk", columns: [self.tenantId] }),
    unique("tenant_slug").on(self.slug),
    check("tenant_access", sql`access in ('full', 'read_only', 'blocked')`),
    check("tenant_request_rate", sql`request_rate > 0`),
    check("tenant_status", sql`status in ('trial', 'active', 'past_due', 'suspended', 'closing')`),
  ],
);
