import { and, eq, sql } from "drizzle-orm";
import * as z from "zod";
import { faultOf } from "../../drizzle/fault.js";
import type { Reader } from "../../drizzle/reader.js";
import type { Tx } from "../../drizzle/tenant.js";
import { checkUsage, consumeEntitlement, releaseEntitlement, usageStatement } from "../entitlement/index.js";
import { db, read } from "../kernel/db.js";
import { conflict, type FieldError, invalid, notFound } from "../kernel/error.js";
import { defineEvent, emit } from "../kernel/event/index.js";
import { fn } from "../kernel/fn.js";
import { listById } from "../kernel/list.js";
import { bump, staleOrMissing } from "../kernel/version.js";
import { ProductId, productTable, VariantId, variantTable } from "./catalog.sql.js";
import { productMeter } from "./meter.js";
import { Choice, type Option, OptionPatches, Options, optionErrors } from "./option.js";
import { Description, Name, ProductPage, Status, TaxClass } from "./product-field.js";
import { nextSlug, Slug, slugOf } from "./slug.js";
import {
  deleteVariants,
  MAX_VARIANTS,
  NewVariant,
  type NewVariant as NewVariantType,
  newVariants,
  refuseIfReferenced,
  skuTaken,
  Variant,
  variantQueries,
} from "./variant.js";
import { changeVariants } from "./variant-change.js";
import { variantsOf, view } from "./view.js";

export const Product = z
  .object({
    id: ProductId,
    slug: z.string(),
    name: z.string(),
    description: z.string(),
    status: Status,
    taxClassId: TaxClass,
    options: z.array(z.object({ name: z.string(), values: z.array(z.string()) })),
    variants: z.array(Variant).optional().meta({ description: "In lists only with `expand=variants`" }),
    version: z.int(),
    createdAt: z.string(),
    updatedAt: z.string(),
  })
  .meta({ id: "Product" });

const about = z.object({ productId: ProductId });
export const ProductCreated = defineEvent("product.created", about);
export const ProductUpdated = defineEvent("product.updated", about);
export const ProductDeleted = defineEvent("product.deleted", about);

export const NewProduct = z
  .strictObject({
    name: Name,
    slug: Slug.optional().meta({ description: "Default: made from the name" }),
    description: Description.default(""),
    status: Status.default("draft"),
    taxClassId: TaxClass.default(null),
    options: Options.default([]).describe("The properties by which the variants differ: size, color"),
    variants: z
      .array(NewVariant)
      .max(MAX_VARIANTS)
      .default([])
      .describe("The articles for sale: one for each combination of options"),
  })
  .superRefine(({ options, variants }, { addIssue }) => {
    const choices = new Set<string>();
    const skus = new Set<string>();
    for (const [index, { sku, options: choice }] of variants.entries()) {
      for (const { pointer, detail } of optionErrors(options, choice, "")) {
        addIssue({ code: "custom", path: ["variants", index, "options", pointer.slice(1)], message: detail });
      }
      const combination = JSON.stringify(options.map(({ name }) => choice[name]));
      if (choices.has(combination))
        addIssue({ code: "custom", path: ["variants", index, "options"], message: "appear twice" });
      if (skus.has(sku)) addIssue({ code: "custom", path: ["variants", index, "sku"], message: "appears twice" });
      choices.add(combination);
      skus.add(sku);
    }
  });

/** @throws Failure conflict, or forbidden when the plan allows no more */
export const create = fn(NewProduct, async ({ variants, slug, ...input }) => {
  const base = slug ?? (await slugOf(input.name));
  return db(async (tx) => {
    const id = ProductId.create();
    const insert = (free: string) => insertProduct(tx, { id, slug: free, ...input });
    let product = await insert(base);
    if (!product && slug) throw slugTaken();
    product ??= await insert(await nextSlug(tx, base));
    product ??= await insert(`${base}-${id.slice(-8)}`); // another transaction took the number
    if (!product) throw slugTaken();
    const made = newVariants(product, variants);
    const isCounted = product.status !== "archived";
    const { inserted, counted } = await insertVariants(id, made, isCounted);
    if (inserted.length < made.length) throw skuTaken(missingSkus(variants, made, inserted));
    if (isCounted) await checkUsage(tx, productMeter, counted);
    emit(ProductCreated, { productId: id });
    return { ...product, variants: made };
  });
});

/** Inserts the variants of a new product, and counts the product if it counts: one message. */
async function insertVariants(productId: string, variants: readonly Variant[], isCounted: boolean) {
  const insert = (q: Reader) => variantQueries(q, productId, variants);
  if (!isCounted) return { inserted: (await read(insert))[0], counted: undefined };
  const [inserted, , [counted]] = await read((q) => [...insert(q), usageStatement(q, productMeter)] as const);
  return { inserted, counted };
}

async function insertProduct(tx: Tx, values: typeof productTable.$inferInsert) {
  const [product] = await tx
    .insert(productTable)
    .values(values)
    .onConflictDoNothing({ target: [productTable.tenantId, productTable.slug] })
    .returning(view)
    .catch(toFailure);
  return product;
}

const slugTaken = () =>
  conflict("product.slug_taken", "Another product has this slug.", {
    errors: [{ pointer: "/slug", detail: "is in use" }],
  });

function missingSkus(
  wanted: readonly NewVariantType[],
  made: readonly Variant[],
  inserted: readonly { id: string }[],
): FieldError[] {
  const ids = new Set(inserted.map(({ id }) => id));
  const skus = new Set(made.flatMap(({ id, sku }) => (ids.has(id) ? [sku] : [])));
  return wanted.flatMap(({ sku }, index) =>
    skus.has(sku) ? [] : [{ pointer: `/variants/${index}/sku`, detail: "is in use" }],
  );
}

/** Throws the failure that explains the violated constraint to the caller. @throws Failure invalid or conflict */
function toFailure(error: unknown): never {
  const constraint = faultOf(error)?.constraint;
  if (constraint === "product_tax_class") {
    const errors = [{ pointer: "/taxClassId", detail: "does not exist" }];
    throw invalid("invalid_request", "The tax class does not exist.", { errors });
  }
  if (constraint === "product_slug") throw slugTaken();
  throw error;
}

/** The newest first. */
export const list = fn(ProductPage, ({ expand, ...page }) =>
  listById(
    {
      name: "products",
      id: productTable.id,
      order: "desc",
      where: page.status ? eq(productTable.status, page.status) : undefined,
    },
    page,
    (q) =>
      q
        .select({ ...view, ...(expand && { variants: variantsOf(q) }) })
        .from(productTable)
        .$dynamic(),
  ),
);

const one = (q: Reader, id: string) =>
  q
    .select({ ...view, variants: variantsOf(q) })
    .from(productTable)
    .where(eq(productTable.id, id));

export const get = fn(ProductId, async (id) => {
  const [product] = await read((q) => one(q, id));
  if (!product) throw notFound("product");
  return product;
});

export const ProductPatch = z.strictObject({
  name: Name.optional(),
  slug: Slug.optional().describe("The last part of the address of its page in the shop"),
  description: Description.optional(),
  status: Status.optional(),
  taxClassId: TaxClass.optional(),
  options: OptionPatches.optional().meta({
    description: "All options. Variants keep their values where an option or a value gets another name",
  }),
  variants: z
    .array(z.strictObject({ id: VariantId.describe("A variant of this product"), options: Choice }))
    .max(MAX_VARIANTS)
    .optional()
    .meta({ description: "New values of variants: of some options, or of all" }),
});

const Versioned = z.strictObject({ id: ProductId, version: z.int().optional() });

/** @throws Failure stale when `version` is given and no longer current; forbidden when there is no room to take it back */
export const update = fn(ProductPatch.extend(Versioned.shape), ({ id, version, ...patch }) =>
  db(async (tx) => {
    const { options: wanted, variants: assignments, ...plain } = patch;
    const options = wanted?.map(({ name, values }) => ({ name, values }));
    const was = await touchProduct(tx, id, version, { ...plain, ...(options && { options }) });
    const [product] = await one(tx, id);
    if (!product) throw notFound("product");
    const change = { before: was.options, after: wanted ?? was.options, assignments: assignments ?? [] };
    const variants =
      wanted || assignments ? await changeVariants(tx, { ...product, was: was.name }, change) : product.variants;
    if (was.status === "archived" && product.status !== "archived") await consumeEntitlement(productMeter);
    if (was.status !== "archived" && product.status === "archived") await releaseEntitlement(productMeter);
    emit(ProductUpdated, { productId: id });
    return { ...product, variants };
  }),
);

type Columns = Partial<typeof productTable.$inferInsert>;
/** Locks the product and changes it, so that no variant is added meanwhile. @returns what it was */
async function touchProduct(tx: Tx, id: string, version?: number, patch: Columns = {}) {
  const current = version === undefined ? undefined : eq(productTable.version, version);
  const [touched] = await tx
    .update(productTable)
    .set({ ...patch, version: bump(productTable) })
    .where(and(eq(productTable.id, id), current))
    .returning({
      status: sql<z.infer<typeof Status>>`old.status`,
      options: sql<Option[]>`old.options`,
      name: sql<string>`old.name`,
    })
    .catch(toFailure);
  if (touched) return touched;
  const [known] = await tx.select({ version: productTable.version }).from(productTable).where(eq(productTable.id, id));
  throw staleOrMissing("product", known);
}

/** @throws Failure conflict `product.in_use` once it was sold, put into a cart or counted */
export const remove = fn(Versioned, ({ id, version }) =>
  db(async (tx) => {
    const was = await touchProduct(tx, id, version);
    await refuseIfReferenced("product", async () => {
      await deleteVariants(tx, eq(variantTable.productId, id));
      await tx.delete(productTable).where(eq(productTable.id, id));
    });
    if (was.status !== "archived") await releaseEntitlement(productMeter);
    emit(ProductDeleted, { productId: id });
  }),
);
