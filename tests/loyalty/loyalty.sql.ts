import { sql } from "drizzle-orm";
import { char, check, foreignKey, index, text, unique } from "drizzle-orm/pg-core";
import { id } from "../../core/kernel/id.js";
import type { Currency } from "../../core/kernel/money.js";
import { instant, minorUnits } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";

export const LoyaltyAccountId = id("loy");
export const LoyaltyEntryId = id("lye");

/** The points of one customer. A point is one minor unit of the account's currency. */
export const loyaltyAccountTable = tenantTable(
  "loyalty_account",
  {
    id: LoyaltyAccountId.column("id").notNull(),
    email: text("email").notNull(),
    currency: char("currency", { length: 3 }).notNull().$type<Currency>(),
    points: minorUnits("points").notNull().default(0),
    /** When the points expire; null without points that do. */
    expiresAt: instant("expires_at"),
  },
  (self) => [
    unique("loyalty_account_email").on(self.tenantId, self.email),
    check("loyalty_account_points", sql`points >= 0`),
  ],
  { due: (self) => ({ at: self.expiresAt }) },
);

/** Points that an account got or lost, and why: append-only. */
export const loyaltyEntryTable = tenantTable(
  "loyalty_entry",
  {
    id: LoyaltyEntryId.column("id").notNull(),
    accountId: LoyaltyAccountId.column("account_id").notNull(),
    kind: text("kind", { enum: ["award", "payment", "return", "expiry"] }).notNull(),
    points: minorUnits("points").notNull(),
    /** The order that was paid. */
    reference: text("reference"),
  },
  (self) => [
    foreignKey({
      name: "loyalty_entry_account",
      columns: [self.tenantId, self.accountId],
      foreignColumns: [loyaltyAccountTable.tenantId, loyaltyAccountTable.id],
    }),
    index("loyalty_entry_account_id").on(self.tenantId, self.accountId),
    index("loyalty_entry_reference").on(self.tenantId, self.reference),
  ],
  { appendOnly: true },
);
