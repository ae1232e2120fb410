import { sql } from "drizzle-orm";
import { boolean, check, integer, primaryKey, text, uniqueIndex } from "drizzle-orm/pg-core";
import { instant, version } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";
import type { PlanCode } from "../entitlement/entitlement.sql.js";

/** The tenant's contract with the platform: one row for each tenant, a copy of Stripe's last answer. */
export const subscriptionTable = tenantTable(
  "subscription",
  {
    /**
     * Stripe's ids on the platform's own account. The tenant of a platform event is the one whose row has its customer;
     * the event's metadata do not count.
     */
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
    /** The instant since which a payment is owed; the plan's dunning schedule counts from it. */
    pastDueSince: instant("past_due_since"),
    /** The number of steps of dunning that are done. `nextStepAt`: the instant of the next check. */
    dunningStep: integer("dunning_step").notNull().default(0),
    nextStepAt: instant("next_step_at"),
    /** The instant at which Stripe was asked for the state in this row, by the database's clock. */
    askedAt: instant("asked_at"),
    version: version(),
  },
  (self) => [
    primaryKey({ name: "subscription_pk", columns: [self.tenantId] }),
    // Across all tenants: a customer of the platform belongs to one tenant.
    uniqueIndex("subscription_customer").on(self.customer, self.livemode),
    check("subscription_interval", sql`interval in ('month', 'year')`),
  ],
  { due: (self) => ({ at: self.nextStepAt }) },
);
