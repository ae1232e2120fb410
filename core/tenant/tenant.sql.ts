import { sql } from "drizzle-orm";
import { boolean, char, check, primaryKey, text, unique } from "drizzle-orm/pg-core";
import { typeId, version } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";

export const tenantStatuses = ["trial", "active", "past_due", "suspended", "closing"] as const;

/** A merchant. The row is its own tenant: `tenant_id` is the id. */
export const tenantTableRoot = tenantTable(
  "tenant",
  {
    /** Unique in the whole deployment: people type it to log in. */
    slug: text("slug").notNull(),
    name: text("name").notNull(),
    status: text("status", { enum: tenantStatuses }).notNull().default("trial"),
    livemode: boolean("livemode").notNull(),
    /** Test mode is a twin tenant of its own, made with the live one. */
    twinId: typeId("ten")("twin_id"),
    currency: char("currency", { length: 3 }).notNull(),
    country: char("country", { length: 2 }).notNull(),
    version: version(),
  },
  (self) => [
    primaryKey({ name: "tenant_pk", columns: [self.tenantId] }),
    unique("tenant_slug").on(self.slug),
    check("tenant_status", sql`status in ('trial', 'active', 'past_due', 'suspended', 'closing')`),
  ],
);
