import { inArray, sql } from "drizzle-orm";
import { boolean, check, jsonb, text, uniqueIndex } from "drizzle-orm/pg-core";
import { instant, version } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";
import { id } from "../kernel/id.js";

export const PaymentAccountId = id("pac");

export const accountStatuses = ["onboarding", "active", "restricted", "deauthorized"] as const;
export const captureModes = ["automatic", "manual"] as const;

/** Hours after which an account is compared with the lists of its provider again. */
export const RECONCILE_HOURS = 1;

/** A merchant's own account at a payment provider. Who an event of that account belongs to is read here, nowhere else. */
export const paymentAccountTable = tenantTable(
  "payment_account",
  {
    id: PaymentAccountId.column("id").notNull(),
    provider: text("provider").notNull(),
    /** The provider's id of it (`acct_…`); null until the provider has said it. Our own id is the key under which it is made. */
    account: text("account"),
    /** Of the key with which it was connected. */
    livemode: boolean("livemode").notNull(),
    status: text("status", { enum: accountStatuses }).notNull().default("onboarding"),
    chargesEnabled: boolean("charges_enabled").notNull().default(false),
    payoutsEnabled: boolean("payouts_enabled").notNull().default(false),
    detailsSubmitted: boolean("details_submitted").notNull().default(false),
    capabilities: jsonb("capabilities").notNull().default({}).$type<Record<string, string>>(),
    /** What the provider still wants to know, in its words. */
    requirements: jsonb("requirements").notNull().default([]).$type<string[]>(),
    /** Whether money is taken as soon as the order stands, or when the staff says so. */
    capture: text("capture", { enum: captureModes }).notNull().default("automatic"),
    /** Since when it may be charged: news from before are of an earlier connection. */
    connectedAt: instant("connected_at").notNull().default(sql`now()`),
    /** Up to when it was compared with the provider's lists. */
    reconciledAt: instant("reconciled_at").notNull().default(sql`now()`),
    version: version(),
  },
  (self) => [
    // One that may be charged. Those of earlier connections stay: refunds and disputes of their payments still come.
    uniqueIndex("payment_account_provider").on(self.tenantId, self.provider).where(sql`status <> 'deauthorized'`),
    // Across all tenants: two of them cannot claim one account.
    uniqueIndex("payment_account_account").on(self.account, self.livemode),
    check("payment_account_status", sql`status in ('onboarding', 'active', 'restricted', 'deauthorized')`),
    check("payment_account_capture", sql`capture in ('automatic', 'manual')`),
  ],
  {
    due: (self) => ({
      at: self.reconciledAt,
      after: `${RECONCILE_HOURS} hours`,
      where: inArray(self.status, ["active", "restricted"]),
    }),
  },
);
