import { asc, eq, or, sql } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import { VariantId, variantTable } from "../catalog/catalog.sql.js";
import { actorRecord } from "../kernel/actor.js";
import { db, defer } from "../kernel/db.js";
import { conflict, type FieldError, invalid } from "../kernel/error.js";
import { defineEvent, emit } from "../kernel/event/index.js";
import { fn } from "../kernel/fn.js";
import { anyOf, insertRows } from "../kernel/rows.js";
import { line } from "../kernel/text.js";
import { bump } from "../kernel/version.js";
import { LocationId, locationTable, MovementId, stockLevelTable, stockMovementTable } from "./inventory.sql.js";
import { insufficientStock } from "./stock.js";

/** More than this of one variant at one location is a mistake. */
const MAX_ON_HAND = 1_000_000_000;
const Count = z.int().min(0).max(MAX_ON_HAND);

const Adjustment = z
  .strictObject({
    variantId: VariantId.describe("The variant that was counted or moved"),
    locationId: LocationId.optional().meta({ description: "Default: the default location" }),
    delta: z
      .int()
      .min(-1_000_000)
      .max(1_000_000)
      .optional()
      .meta({ description: "The change of the units on hand, positive or negative" }),
    set: Count.optional().meta({ description: "The new number of units on hand" }),
    expected: Count.optional().meta({
      description: "Fail with `stock.changed` unless this number of units is on hand",
    }),
  })
  .refine((one) => (one.delta === undefined) !== (one.set === undefined), "requires exactly one of `delta` and `set`")
  .refine((one) => one.delta !== 0, { path: ["delta"], message: "must not be 0" })
  .meta({ id: "StockAdjustment" });
type Adjustment = z.infer<typeof Adjustment>;

export const Adjustments = z.strictObject({
  adjustments: z.array(Adjustment).min(1).max(100).describe("Either all of them are made, or none"),
  reason: z.enum(["received", "correction", "returned", "damaged"]).describe("Kept with each movement"),
  reference: line(200).optional().describe("Your own word for the cause: the number of a delivery note"),
});

export const StockAdjusted = defineEvent("stock.adjusted", z.object({ variantIds: z.array(VariantId) }));

const view = {
  variantId: stockLevelTable.variantId,
  locationId: stockLevelTable.locationId,
  onHand: stockLevelTable.onHand,
  reserved: stockLevelTable.reserved,
};

interface Level {
  variantId: string;
  locationId: string;
  onHand: number;
  reserved: number;
}

interface LevelChange {
  variantId: string;
  locationId: string;
  delta: number;
}

interface Target extends Adjustment {
  sku: string;
  locationId: string;
}

const keyOf = (at: { variantId: string; locationId: string }) => `${at.variantId} ${at.locationId}`;

/**
 * Changes the units on hand, all or nothing, with a movement for each change.
 * @throws Failure conflict `stock.insufficient` when fewer units would be left than are reserved
 */
export const adjust = fn(Adjustments, ({ adjustments, reason, reference }) =>
  db(async (tx) => {
    const targets = await resolveTargets(tx, adjustments);
    const levels = await lockLevels(tx, targets);
    const moves = applyAdjustments(targets, levels);
    const saved = await writeLevels(tx, [...levels.values()]);
    const facts = { reason, reference: reference ?? null, actor: actorRecord() };
    if (moves.length > 0) {
      defer(
        insertRows(
          tx,
          stockMovementTable,
          moves.map((move) => ({ id: MovementId.create(), ...move, ...facts })),
        ),
      );
      emit(StockAdjusted, { variantIds: [...new Set(moves.map((move) => move.variantId))] });
    }
    const skus = new Map(targets.map((target) => [target.variantId, target.sku]));
    return saved.map((level) => ({
      ...level,
      sku: skus.get(level.variantId) ?? "",
      available: level.onHand - level.reserved,
    }));
  }),
);

/** Finds the variants and locations of the adjustments. @throws Failure invalid for one that is unknown or foreign */
async function resolveTargets(tx: Tx, adjustments: readonly Adjustment[]): Promise<Target[]> {
  const places = adjustments.flatMap((one) => one.locationId ?? []);
  const rows = await tx
    .select({
      variantId: variantTable.id,
      sku: variantTable.sku,
      locationId: locationTable.id,
      isDefault: locationTable.isDefault,
    })
    .from(variantTable)
    .innerJoin(locationTable, or(eq(locationTable.isDefault, true), anyOf(locationTable.id, places)))
    .where(
      anyOf(
        variantTable.id,
        adjustments.map((one) => one.variantId),
      ),
    )
    .orderBy(asc(variantTable.id))
    .for("key share", { of: variantTable }); // no level for a variant that is being deleted
  const errors: FieldError[] = [];
  const targets = adjustments.flatMap((one, index) => {
    const mine = rows.filter((row) => row.variantId === one.variantId);
    const row = mine.find((at) => (one.locationId ? at.locationId === one.locationId : at.isDefault));
    if (row) return [{ ...one, locationId: row.locationId, sku: row.sku }];
    const field = mine.length > 0 ? "locationId" : "variantId";
    errors.push({ pointer: `/adjustments/${index}/${field}`, detail: "does not exist" });
    return [];
  });
  if (errors.length > 0)
    throw invalid("invalid_request", "An adjustment names an unknown variant or location; see `errors`.", { errors });
  return targets;
}

/** Opens the levels that are missing, and locks all of them in key order. */
async function lockLevels(tx: Tx, targets: readonly Target[]): Promise<Map<string, Level>> {
  const keys = new Map(
    targets.map(({ variantId, locationId }) => [`${variantId} ${locationId}`, { variantId, locationId }]),
  );
  const sorted = [...keys].sort(([a], [b]) => (a < b ? -1 : 1));
  const rows = await insertRows(
    tx,
    stockLevelTable,
    sorted.map(([, key]) => key),
  )
    .onConflictDoUpdate({
      target: [stockLevelTable.tenantId, stockLevelTable.variantId, stockLevelTable.locationId],
      set: { version: bump(stockLevelTable) },
    })
    .returning(view);
  return new Map(rows.map((row) => [keyOf(row), row]));
}

/** Counts the adjustments up, one after the other. */
function applyAdjustments(targets: readonly Target[], levels: ReadonlyMap<string, Level>): LevelChange[] {
  const short: { variantId: string; requested: number; available: number }[] = [];
  const moves = targets.flatMap((target, index) => {
    const level = levels.get(keyOf(target));
    if (!level) return [];
    const { onHand, reserved } = level;
    if (target.expected !== undefined && target.expected !== onHand) throw stockChanged(index, onHand);
    level.onHand = target.set ?? onHand + (target.delta ?? 0);
    if (level.onHand > MAX_ON_HAND)
      throw conflict("stock.too_much", `A stock level counts at most ${MAX_ON_HAND} units.`);
    const { variantId, locationId } = target;
    const delta = level.onHand - onHand;
    if (level.onHand < reserved) short.push({ variantId, requested: -delta, available: onHand - reserved });
    return delta === 0 ? [] : [{ variantId, locationId, delta }];
  });
  if (short.length > 0) throw insufficientStock(targets, short, "/adjustments");
  return moves;
}

function stockChanged(index: number, onHand: number) {
  const errors = [{ pointer: `/adjustments/${index}/expected`, detail: `does not hold: ${onHand} units are on hand` }];
  return conflict("stock.changed", "The stock on hand differs from `expected`; see `onHand`.", {
    errors,
    data: { onHand },
  });
}

/** Writes the counted numbers; the rows have been locked since they were read. */
async function writeLevels(tx: Tx, levels: readonly Level[]): Promise<(Level & { updatedAt: string })[]> {
  const variants = levels.map((level) => typeIdToUuid("var", level.variantId));
  const locations = levels.map((level) => typeIdToUuid("loc", level.locationId));
  const counts = levels.map((level) => level.onHand);
  return await tx
    .update(stockLevelTable)
    .set({ onHand: sql`counted.on_hand` })
    .from(
      sql`unnest(${sql.param(variants)}::uuid[], ${sql.param(locations)}::uuid[], ${sql.param(counts)}::int[])
        as counted (variant_id, location_id, on_hand)`,
    )
    .where(sql`${view.variantId} = counted.variant_id and ${view.locationId} = counted.location_id`)
    .returning({ ...view, updatedAt: stockLevelTable.updatedAt });
}
