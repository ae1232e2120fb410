import { eq, sql } from "drizzle-orm";
import { char, check, foreignKey, index, integer, jsonb, text, unique } from "drizzle-orm/pg-core";
import { instant, version } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";
import { VariantId, variantTable } from "../catalog/catalog.sql.js";
import { ChannelId, channelTable } from "../channel/channel.sql.js";
import type { Address } from "../kernel/address.js";
import { id } from "../kernel/id.js";
import type { Currency } from "../kernel/money.js";
import { RegionId, regionTable } from "../region/region.sql.js";
import { ShippingOptionId, shippingOptionTable } from "../shipping/shipping.sql.js";

export const CartId = id("crt");
export const LineId = id("lin");

/** The amounts that an answer of a cart has shown, in minor units; those of the lines are their totals, by id. */
export interface Quote {
  currency: Currency;
  subtotal: number;
  shipping: number;
  tax: number;
  total: number;
  lines: Record<string, number>;
}

/** A shopper's basket, opened by its token only. Prices and tax are computed at each reading and never cached here. */
export const cartTable = tenantTable(
  "cart",
  {
    id: CartId.column("id").notNull(),
    /** SHA-256 of the token, hex. The order made from the cart keeps it. */
    tokenHash: text("token_hash").notNull(),
    status: text("status", { enum: ["open", "completed"] })
      .notNull()
      .default("open"),
    regionId: RegionId.column("region_id").notNull(),
    channelId: ChannelId.column("channel_id").notNull(),
    currency: char("currency", { length: 3 }).notNull().$type<Currency>(),
    email: text("email"),
    shippingAddress: jsonb("shipping_address").$type<Address>(),
    billingAddress: jsonb("billing_address").$type<Address>(),
    shippingOptionId: ShippingOptionId.column("shipping_option_id"),
    /** The amounts that the shopper was shown last by a write: what completing the cart binds them to, and no price. */
    quote: jsonb("quote").$type<Quote>(),
    /** The client that made the cart, as a keyed hash; null when a server made it for its shopper. */
    addressKey: text("address_key"),
    /** The first reservation of a period; the end of all of them together is counted from it. */
    heldSince: instant("held_since"),
    expiresAt: instant("expires_at").notNull(),
    version: version(),
  },
  (self) => [
    foreignKey({
      name: "cart_region",
      columns: [self.tenantId, self.regionId],
      foreignColumns: [regionTable.tenantId, regionTable.id],
    }),
    foreignKey({
      name: "cart_channel",
      columns: [self.tenantId, self.channelId],
      foreignColumns: [channelTable.tenantId, channelTable.id],
    }),
    foreignKey({
      name: "cart_shipping_option",
      columns: [self.tenantId, self.shippingOptionId],
      foreignColumns: [shippingOptionTable.tenantId, shippingOptionTable.id],
    }),
    index("cart_expiry").on(self.tenantId, self.expiresAt),
    index("cart_address")
      .on(self.tenantId, self.addressKey, self.createdAt)
      .where(eq(self.status, "open").inlineParams()),
    check("cart_status", sql`status in ('open', 'completed')`),
  ],
  { due: (self) => ({ at: self.expiresAt, where: eq(self.status, "open") }) },
);

/** Equal variants are one line. */
export const cartLineTable = tenantTable(
  "cart_line",
  {
    id: LineId.column("id").notNull(),
    cartId: CartId.column("cart_id").notNull(),
    variantId: VariantId.column("variant_id").notNull(),
    quantity: integer("quantity").notNull(),
  },
  (self) => [
    foreignKey({
      name: "cart_line_cart",
      columns: [self.tenantId, self.cartId],
      foreignColumns: [cartTable.tenantId, cartTable.id],
    }),
    foreignKey({
      name: "cart_line_variant",
      columns: [self.tenantId, self.variantId],
      foreignColumns: [variantTable.tenantId, variantTable.id],
    }),
    index("cart_line_variant_id").on(self.tenantId, self.variantId), // for the check of the foreign key
    unique("cart_line_once").on(self.tenantId, self.cartId, self.variantId),
    check("cart_line_quantity", sql`quantity between 1 and 10000`),
  ],
);
