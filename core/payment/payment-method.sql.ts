import { sql } from "drizzle-orm";
import { check, jsonb, primaryKey } from "drizzle-orm/pg-core";
import { version } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";

/** A way to pay that a merchant offers, with its options. */
export interface OfferedMethod {
  provider: string;
  /** Who accepts an order that is paid by hand. */
  acceptance?: "staff" | "automatic" | undefined;
  /** Hours for which the goods of an order wait for the staff. */
  holdHours?: number | undefined;
}

/** What strangers may cause before anything is paid; what a merchant did not set has its default in the code. */
export interface UnpaidLimits {
  perAddress?: number | undefined;
  perEmail?: number | undefined;
  perTenant?: number | undefined;
  cartsPerAddress?: number | undefined;
  cartsPerTenant?: number | undefined;
  holdShare?: number | undefined;
}

/** The limits of a merchant who has set none. */
export const unpaidDefaults = {
  /** Unpaid orders of one client address that have not ended. */
  perAddress: 10,
  /** Unpaid orders for one e-mail address. */
  perEmail: 5,
  /** Unpaid orders of the whole shop. */
  perTenant: 500,
  /** Open carts that one client address made within a day. */
  cartsPerAddress: 200,
  /** Open carts of all unknown clients together; beyond them abandoned ones give way. */
  cartsPerTenant: 100_000,
  /** The part of a variant's stock, in percent, that the unpaid carts and orders of one client may hold together. */
  holdShare: 50,
} as const satisfies Required<UnpaidLimits>;

export const unpaidLimits = (setting: { limits: UnpaidLimits } | null): Required<UnpaidLimits> => ({
  ...unpaidDefaults,
  ...setting?.limits,
});

/** The ways to pay that a merchant offers, and the limits of what is unpaid: one row for each tenant that has chosen. */
export const paymentSettingTable = tenantTable(
  "payment_setting",
  {
    /** The first is the one of a shopper who names none. Null: the merchant has not chosen. */
    methods: jsonb("methods").$type<readonly OfferedMethod[]>(),
    /** The methods of channels that have their own, by channel id. */
    channels: jsonb("channels").notNull().default({}).$type<Record<string, readonly OfferedMethod[]>>(),
    limits: jsonb("limits").notNull().default({}).$type<UnpaidLimits>(),
    version: version(),
  },
  (self) => [
    primaryKey({ name: "payment_setting_pk", columns: [self.tenantId] }),
    check("payment_setting_size", sql`octet_length(methods::text) + octet_length(channels::text) < 65536`),
  ],
);
