import { sql } from "drizzle-orm";
import { boolean, char, check, foreignKey, index, integer, jsonb, primaryKey, text } from "drizzle-orm/pg-core";
import { instant, version } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";
import { VariantId, variantTable } from "../catalog/catalog.sql.js";
import { id } from "../kernel/id.js";

export const LocationId = id("loc");
export const MovementId = id("mov");

/** A place where stock is kept. */
export const locationTable = tenantTable("location", {
  id: LocationId.column("id").notNull(),
  name: text("name").notNull(),
  country: char("country", { length: 2 }).notNull(),
  isDefault: boolean("is_default").notNull().default(false),
});

/** Stock of a variant at a location; available = on hand - reserved. A cache of the movements, checked against them. */
export const stockLevelTable = tenantTable(
  "stock_level",
  {
    variantId: VariantId.column("variant_id").notNull(),
    locationId: LocationId.column("location_id").notNull(),
    onHand: integer("on_hand").notNull().default(0),
    reserved: integer("reserved").notNull().default(0),
    version: version(),
  },
  (self) => [
    primaryKey({ name: "stock_level_pk", columns: [self.tenantId, self.variantId, self.locationId] }),
    foreignKey({
      name: "stock_level_variant",
      columns: [self.tenantId, self.variantId],
      foreignColumns: [variantTable.tenantId, variantTable.id],
    }),
    foreignKey({
      name: "stock_level_location",
      columns: [self.tenantId, self.locationId],
      foreignColumns: [locationTable.tenantId, locationTable.id],
    }),
    index("stock_level_location_id").on(self.tenantId, self.locationId, self.variantId),
    // The last protection against overselling; the statements that change stock compare before they write.
    check("stock_level_not_negative", sql`on_hand >= 0 and reserved between 0 and on_hand`),
  ],
);

export const movementReasons = ["received", "correction", "sold", "cancelled", "returned", "damaged"] as const;

/** Each change of the units on hand: append-only; a correction is a new row. */
export const stockMovementTable = tenantTable(
  "stock_movement",
  {
    id: MovementId.column("id").notNull(),
    variantId: VariantId.column("variant_id").notNull(),
    locationId: LocationId.column("location_id").notNull(),
    delta: integer("delta").notNull(),
    reason: text("reason", { enum: movementReasons }).notNull(),
    /** The cause of the movement: the id of an order, or a text of the staff. */
    reference: text("reference"),
    actor: jsonb("actor").notNull().$type<Record<string, unknown>>(),
  },
  (self) => [
    foreignKey({
      name: "stock_movement_level",
      columns: [self.tenantId, self.variantId, self.locationId],
      foreignColumns: [stockLevelTable.tenantId, stockLevelTable.variantId, stockLevelTable.locationId],
    }),
    index("stock_movement_variant").on(self.tenantId, self.variantId, self.id),
    index("stock_movement_location").on(self.tenantId, self.locationId, self.id),
    check("stock_movement_delta", sql`delta <> 0`),
  ],
  { appendOnly: true },
);

/** Units of a level that are held for a cart until a deadline; `stock_level.reserved` is their sum. */
export const reservationTable = tenantTable(
  "reservation",
  {
    /** The cart that holds it. */
    holder: text("holder").notNull(),
    variantId: VariantId.column("variant_id").notNull(),
    locationId: LocationId.column("location_id").notNull(),
    quantity: integer("quantity").notNull(),
    /** The client for whom it is held, as a keyed hash; null when a server asked for its shopper. */
    addressKey: text("address_key"),
    expiresAt: instant("expires_at").notNull(),
  },
  (self) => [
    primaryKey({ name: "reservation_pk", columns: [self.tenantId, self.holder, self.variantId, self.locationId] }),
    foreignKey({
      name: "reservation_level",
      columns: [self.tenantId, self.variantId, self.locationId],
      foreignColumns: [stockLevelTable.tenantId, stockLevelTable.variantId, stockLevelTable.locationId],
    }),
    index("reservation_expiry").on(self.tenantId, self.expiresAt),
    index("reservation_level").on(self.tenantId, self.variantId, self.locationId),
    check("reservation_quantity", sql`quantity > 0`),
  ],
  { due: (self) => ({ at: self.expiresAt }) },
);
