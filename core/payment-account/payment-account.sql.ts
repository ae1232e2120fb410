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

/** A merchant's own account at a provider. Only this table decides which tenant an event of that account belongs to. */
export const paymentAccountTable = tenantTable(
  "payment_account",
  {
    id: PaymentAccountId.column("id").notNull(),
    provider: text("provider").notNull(),
    /** The provider's id (`acct_…`); null until the provider has answered. The row's own id is the idempotency key. */
    account: text("account"),
    /** The mode of the key with which the account was connected. */
    livemode: boolean("livemode").notNull(),
    status: text("status", { enum: accountStatuses }).notNull().default("onboarding"),
    chargesEnabled: boolean("charges_enabled").notNull().default(false),
    payoutsEnabled: boolean("payouts_enabled").notNull().default(false),
    detailsSubmitted: boolean("details_submitted").notNull().default(false),
    capabilities: jsonb("capabilities").notNull().default({}).$type<Record<string, string>>(),
    /** The details that the provider still asks for, by the provider's names. */
    requirements: jsonb("requirements").notNull().default([]).$type<string[]>(),
    /** Whether money is captured as soon as the order is placed, or when the staff captures it. */
    capture: text("capture", { enum: captureModes }).notNull().default("automatic"),
    /** The start of the present connection: events from before it belong to an earlier one. */
    connectedAt: instant("connected_at").notNull().default(sql`now()`),
    /** The time up to which the payments were compared with the provider's lists. */
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
