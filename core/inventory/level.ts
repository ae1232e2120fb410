import { and, asc, eq, type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import { productTable, VariantId, variantTable } from "../catalog/catalog.sql.js";
import { db, read } from "../kernel/db.js";
import { fn } from "../kernel/fn.js";
import { pageQuery, paginate } from "../kernel/page.js";
import { insertRows } from "../kernel/rows.js";
import { LocationId, locationTable, stockLevelTable } from "./inventory.sql.js";

export const Level = z
  .object({
    variantId: VariantId,
    sku: z.string(),
    locationId: LocationId,
    onHand: z.int(),
    reserved: z.int().meta({ description: "Reserved for carts" }),
    available: z.int(),
    updatedAt: z.string(),
  })
  .meta({ id: "StockLevel", description: "Stock of a variant at a location." });

export const LevelPage = pageQuery({
  variantId: VariantId.optional().describe("The levels of this variant only"),
  locationId: LocationId.optional().describe("The levels at this location only"),
});

export const listLevels = fn(LevelPage, async ({ limit, cursor, variantId, locationId }) => {
  const { after, page: answer } = paginate("stock_levels", cursor, { variantId, locationId });
  const rows = await read((q) =>
    q
      .select({
        variantId: stockLevelTable.variantId,
        sku: variantTable.sku,
        locationId: stockLevelTable.locationId,
        onHand: stockLevelTable.onHand,
        reserved: stockLevelTable.reserved,
        available: sql<number>`${stockLevelTable.onHand} - ${stockLevelTable.reserved}`,
        updatedAt: stockLevelTable.updatedAt,
      })
      .from(stockLevelTable)
      .innerJoin(variantTable, eq(variantTable.id, stockLevelTable.variantId))
      .where(
        and(
          variantId ? eq(stockLevelTable.variantId, variantId) : undefined,
          locationId ? eq(stockLevelTable.locationId, locationId) : undefined,
          past(after),
        ),
      )
      .orderBy(asc(stockLevelTable.variantId), asc(stockLevelTable.locationId))
      .limit(limit + 1),
  );
  return answer(rows, limit, (row) => ({ variantId: row.variantId, locationId: row.locationId }));
});

function past({ variantId, locationId }: Partial<Record<string, string>>): SQL | undefined {
  if (!variantId || !locationId) return undefined;
  const last = sql`(${sql.param(variantId, stockLevelTable.variantId)}, ${sql.param(locationId, stockLevelTable.locationId)})`;
  return sql`(${stockLevelTable.variantId}, ${stockLevelTable.locationId}) > ${last}`;
}

/**
 * Opens an empty level at the default location for each variant of a product that has none. The locks keep out a
 * deletion, which would not see the new level and fail at its foreign key as if the product had been sold.
 */
export const createLevels = fn(z.object({ productId: z.string() }), ({ productId }) =>
  db(async (tx) => {
    const missing = await tx
      .select({ variantId: variantTable.id, locationId: locationTable.id })
      .from(variantTable)
      .innerJoin(productTable, eq(productTable.id, variantTable.productId))
      .innerJoin(locationTable, eq(locationTable.isDefault, true))
      .where(eq(variantTable.productId, productId))
      .orderBy(asc(variantTable.id))
      .for("share", { of: [productTable, variantTable] });
    if (missing.length > 0) await insertRows(tx, stockLevelTable, missing).onConflictDoNothing();
  }),
);
