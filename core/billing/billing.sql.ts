import { sql } from "drizzle-orm";
import { boolean, check, integer, primaryKey, text, uniqueIndex } from "drizzle-orm/pg-core";
import { instant, version } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";
import type { PlanCode } from "../entitlement/entitlement.sql.js";

/** What a tenant has with the platform: one row, a copy of what Stripe said last. */
export const subscriptionTable = tenantTable(
  "subscription",
  {
    /** Stripe's ids on the platform's own account. Who a platform event belongs to is read here, nowhere else. */
    customer: text("customer"),
    subscription: text("subscription"),
    livemode: boolean("livemode"),
    plan: text("plan").notNull().$type<PlanCode>(),
    interval: text("interval", { enum: ["month", "year"] }),
    /** Stripe's status of the subscription; null before there is one. */
    status: text("status"),
    trialEndsAt: instant("trial_ends_at"),
    currentPeriodEnd: instant("current_period_end"),
    cancelAt: instant("cancel_at"),
    /** Since when a payment is owed; from here the plan's timetable counts. */
    pastDueSince: instant("past_due_since"),
    /** How many steps of the timetable are done, and when the next one is due. */
    dunningStep: integer("dunning_step").notNull().default(0),
    nextStepAt: instant("next_step_at"),
    /** When Stripe was asked for what is here, by our clock. */
    askedAt: instant("asked_at"),
    version: version(),
  },
  (self) => [
    primaryKey({ name: "subscription_pk", columns: [self.tenantId] }),
    // Across all tenants: a customer of the platform is one tenant.
    uniqueIndex("subscription_customer").on(self.customer, self.livemode),
    check("subscription_interval", sql`interval in ('month', 'year')`),
  ],
  { due: (self) => ({ at: self.nextStepAt }) },
);
