import { and, desc, eq, getTableColumns, lt } from "drizzle-orm";
import * as z from "zod";
import { VariantId } from "../catalog/catalog.sql.js";
import { read } from "../kernel/db.js";
import { fn } from "../kernel/fn.js";
import { pageQuery, paginate } from "../kernel/page.js";
import { LocationId, MovementId, movementReasons, stockMovementTable } from "./inventory.sql.js";

export const Movement = z
  .object({
    id: MovementId,
    variantId: VariantId,
    locationId: LocationId,
    delta: z.int(),
    reason: z.enum(movementReasons),
    reference: z.string().nullable().meta({ description: "The cause: the id of an order, or a text of the staff" }),
    actor: z.record(z.string(), z.unknown()),
    createdAt: z.string(),
  })
  .meta({
    id: "StockMovement",
    description: "One change of the units on hand. Movements are never changed or deleted.",
  });

const { tenantId: _, updatedAt: __, ...view } = getTableColumns(stockMovementTable);

export const MovementPage = pageQuery({ variantId: VariantId.optional(), locationId: LocationId.optional() });

/** The newest first. */
export const movements = fn(MovementPage, async ({ limit, cursor, variantId, locationId }) => {
  const { after, page: answer } = paginate("stock_movements", cursor, { variantId, locationId });
  const rows = await read((q) =>
    q
      .select(view)
      .from(stockMovementTable)
      .where(
        and(
          variantId ? eq(stockMovementTable.variantId, variantId) : undefined,
          locationId ? eq(stockMovementTable.locationId, locationId) : undefined,
          after.id ? lt(stockMovementTable.id, after.id) : undefined,
        ),
      )
      .orderBy(desc(stockMovementTable.id))
      .limit(limit + 1),
  );
  return answer(rows, limit, (row) => ({ id: row.id }));
});
