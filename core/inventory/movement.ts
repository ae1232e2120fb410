import { and, eq, getTableColumns } from "drizzle-orm";
import * as z from "zod";
import { VariantId } from "../catalog/catalog.sql.js";
import { fn } from "../kernel/fn.js";
import { listById } from "../kernel/list.js";
import { pageQuery } from "../kernel/page.js";
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

export const MovementPage = pageQuery({
  variantId: VariantId.optional().describe("The movements of this variant only"),
  locationId: LocationId.optional().describe("The movements at this location only"),
});

/** The newest first. */
export const listMovements = fn(MovementPage, (page) =>
  listById(
    {
      name: "stock_movements",
      id: stockMovementTable.id,
      order: "desc",
      where: and(
        page.variantId ? eq(stockMovementTable.variantId, page.variantId) : undefined,
        page.locationId ? eq(stockMovementTable.locationId, page.locationId) : undefined,
      ),
    },
    page,
    (q) => q.select(view).from(stockMovementTable).$dynamic(),
  ),
);
