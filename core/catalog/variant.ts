import { and, eq, inArray, type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import { faultOf } from "../../drizzle/fault.js";
import type { Reader } from "../../drizzle/reader.js";
import type { Tx } from "../../drizzle/tenant.js";
import { stockLevelTable } from "../inventory/inventory.sql.js";
import { db, read } from "../kernel/db.js";
import { conflict, invalid, notFound } from "../kernel/error.js";
import { defineEvent, emit } from "../kernel/event/index.js";
import { fn } from "../kernel/fn.js";
import { givenColumn, insertRows } from "../kernel/rows.js";
import { name } from "../kernel/text.js";
import { bump, staleOrMissing } from "../kernel/version.js";
import { ProductId, productTable, VariantId, variantTable } from "./catalog.sql.js";
import { Choice, type Option, optionErrors, sortChoice } from "./option.js";
import { defaultName } from "./option-change.js";
import { NewPrices, Price } from "./price.js";
import { priceTable } from "./price.sql.js";
import { variantOf } from "./view.js";

/** Variants of one product. */
export const MAX_VARIANTS = 100;

const Sku = z
  .string()
  .trim()
  .max(100)
  .regex(/^[!-~]([ -~]*[!-~])?$/, "must be printable ASCII")
  .meta({ examples: ["MUG-M"] });
const Name = name(200);
const Position = z.int().min(0).max(10_000);

export const Variant = z
  .object({
    id: VariantId,
    productId: ProductId,
    sku: z.string(),
    name: z.string(),
    options: z.record(z.string(), z.string()),
    position: z.int(),
    prices: z.array(Price),
    available: z.int().meta({ description: "On hand less reserved, at all locations" }),
    version: z.int(),
  })
  .meta({ id: "Variant", description: "One sellable combination of a product's options." });
export type Variant = z.infer<typeof Variant>;

export const NewVariant = z.strictObject({
  sku: Sku.describe("The shop's own number of the article; each variant has another one"),
  name: Name.optional().meta({ description: "Default: the values of its options" }),
  options: Choice.default({}),
  prices: NewPrices.default([]).describe("At most one in each currency"),
});
export type NewVariant = z.infer<typeof NewVariant>;

const about = z.object({ variantId: VariantId, productId: ProductId });
export const VariantCreated = defineEvent("variant.created", about);
export const VariantUpdated = defineEvent("variant.updated", about);
export const VariantDeleted = defineEvent("variant.deleted", about);

interface Parent {
  id: string;
  name: string;
  options: readonly Option[];
}

/** The variants of a request, which are not inserted yet. */
export const newVariants = (product: Parent, inputs: readonly NewVariant[], from = 0): Variant[] =>
  inputs.map(({ prices, ...input }, index) => {
    const options = sortChoice(product.options, input.options);
    const name = input.name ?? defaultName(options, product.name);
    const fixed = { id: VariantId.create(), productId: product.id, position: from + index, available: 0, version: 1 };
    return { ...fixed, ...input, name, options, prices };
  });

/**
 * Two statements insert any number of variants and their prices. The first returns the ids of the inserted variants; a
 * variant whose SKU or combination is taken is not inserted and gets no prices.
 */
export function variantQueries(q: Reader, productId: string, variants: readonly Variant[]) {
  // Rows in one order: two transactions with the same SKUs wait for each other without a deadlock.
  const rows = variants
    .map(({ prices: _, available: __, ...row }) => row)
    .sort((left, right) => (left.sku < right.sku ? -1 : 1));
  const prices = variants.flatMap(({ id, prices: own }) => own.map((price) => ({ variantId: id, ...price })));
  const inserted = q.select({ id: variantTable.id }).from(variantTable).where(eq(variantTable.productId, productId));
  return [
    insertRows(q, variantTable, rows).onConflictDoNothing().returning({ id: variantTable.id }),
    insertRows(q, priceTable, prices, sql`${givenColumn(priceTable.variantId)} in ${inserted}`),
  ] as const;
}

export const skuTaken = (errors: { pointer: string; detail: string }[]) =>
  conflict("variant.sku_taken", "Another variant has this SKU.", { errors });
const optionsTaken = () =>
  conflict("variant.options_taken", "Another variant of the product has these options.", {
    errors: [{ pointer: "/options", detail: "is in use" }],
  });
const SKU_IN_USE = [{ pointer: "/sku", detail: "is in use" }];

export const addVariant = fn(NewVariant.extend({ productId: ProductId }), ({ productId, ...input }) =>
  db(async (tx) => {
    const product = await lockProduct(tx, productId);
    if (!product) throw notFound("product");
    refuseUnfitOptions(product.options, input.options);
    if (product.count >= MAX_VARIANTS) {
      throw conflict("product.full", `A product has at most ${MAX_VARIANTS} variants.`);
    }
    const [variant] = newVariants(product, [input], product.next);
    const [inserted] = await read((q) => variantQueries(q, productId, variant ? [variant] : []));
    if (!variant || inserted.length === 0) {
      const [taken] = await tx
        .select({ id: variantTable.id })
        .from(variantTable)
        .where(eq(variantTable.sku, input.sku));
      throw taken ? skuTaken(SKU_IN_USE) : optionsTaken();
    }
    emit(VariantCreated, { variantId: variant.id, productId });
    return variant;
  }),
);

/** Locked, because its options must not change while variants are fitted to them. */
async function lockProduct(tx: Tx, productId: string) {
  const variants = tx
    .select({ json: sql`json_build_object('count', count(*), 'next', coalesce(max(${variantTable.position}) + 1, 0))` })
    .from(variantTable)
    .where(eq(variantTable.productId, productId));
  const [row] = await tx
    .select({
      id: productTable.id,
      name: productTable.name,
      options: productTable.options,
      variants: sql<{ count: number; next: number }>`(${variants})`,
    })
    .from(productTable)
    .where(eq(productTable.id, productId))
    .for("no key update");
  return row && { ...row, ...row.variants };
}

function refuseUnfitOptions(options: readonly Option[], choice: Choice): void {
  const errors = optionErrors(options, choice, "/options");
  if (errors.length > 0)
    throw invalid("variant.options_invalid", "The options do not match the product's; see `errors`.", { errors });
}

const Patch = z.strictObject({
  sku: Sku.optional().describe("The shop's own number of the article"),
  name: Name.optional().describe("As shoppers read it beside the product's name"),
  options: Choice.optional(),
  position: Position.optional().describe("The place among the variants of the product; 0 is the first position"),
});
export const VariantPatch = Patch;

/** @throws Failure stale when `version` is given and no longer current */
export const updateVariant = fn(
  Patch.extend({ id: VariantId, version: z.int().optional() }),
  ({ id, version, options, ...patch }) =>
    db(async (tx) => {
      if (options) await requireFit(tx, id, options);
      await updateVersioned(tx, id, version, { ...patch, ...(options && { options }) });
      const [row] = await tx
        .select({ variant: variantOf(tx) })
        .from(variantTable)
        .where(eq(variantTable.id, id));
      if (!row) throw notFound("variant");
      emit(VariantUpdated, { variantId: id, productId: row.variant.productId });
      return row.variant;
    }),
);

async function requireFit(tx: Tx, variantId: string, choice: Choice): Promise<void> {
  const [found] = await tx
    .select({ productId: variantTable.productId })
    .from(variantTable)
    .where(eq(variantTable.id, variantId));
  const product = found && (await lockProduct(tx, found.productId));
  if (!product) throw notFound("variant");
  refuseUnfitOptions(product.options, choice);
}

/**
 * Changes a variant and counts its version up.
 * @returns the new version
 * @throws Failure stale, not_found, or conflict when its SKU or options are taken
 */
export async function updateVersioned(
  tx: Tx,
  variantId: string,
  version?: number,
  patch: z.infer<typeof Patch> = {},
): Promise<number> {
  const [row] = await tx
    .update(variantTable)
    .set({ ...patch, version: bump(variantTable) })
    .where(and(eq(variantTable.id, variantId), version === undefined ? undefined : eq(variantTable.version, version)))
    .returning({ version: variantTable.version })
    .catch((error: unknown) => {
      const constraint = faultOf(error)?.constraint;
      if (constraint === "variant_sku") throw skuTaken(SKU_IN_USE);
      if (constraint === "variant_options") throw optionsTaken();
      throw error;
    });
  if (row) return row.version;
  const [current] = await tx
    .select({ version: variantTable.version })
    .from(variantTable)
    .where(eq(variantTable.id, variantId));
  throw staleOrMissing("variant", current);
}

/** @throws Failure conflict `variant.in_use` once it was sold, put into a cart or counted */
export const removeVariant = fn(z.strictObject({ id: VariantId, version: z.int().optional() }), ({ id, version }) =>
  db(async (tx) => {
    await updateVersioned(tx, id, version);
    const [deleted] = await refuseIfReferenced("variant", () => deleteVariants(tx, eq(variantTable.id, id)));
    if (deleted) emit(VariantDeleted, { variantId: id, productId: deleted.productId });
  }),
);

/** Deletes variants with their prices and empty levels; a foreign key refuses when anything else refers to them. */
export async function deleteVariants(tx: Tx, which: SQL) {
  const ids = tx.select({ id: variantTable.id }).from(variantTable).where(which);
  const { variantId, locationId } = stockLevelTable;
  const levels = tx.select({ variantId }).from(stockLevelTable).where(inArray(variantId, ids));
  await levels.orderBy(variantId, locationId).for("update"); // in key order, as in all statements
  await tx.delete(stockLevelTable).where(inArray(variantId, ids));
  await tx.delete(priceTable).where(inArray(priceTable.variantId, ids));
  return await tx.delete(variantTable).where(which).returning({ productId: variantTable.productId });
}

/** Turns the violation of a foreign key into a conflict: only the database knows all references to a row. */
export async function refuseIfReferenced<T>(what: "product" | "variant", run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (faultOf(error)?.code !== "23503") throw error;
    throw conflict(
      `${what}.in_use`,
      `The ${what} was ordered, put into a cart or counted in stock. Archive the product instead.`,
    );
  }
}
