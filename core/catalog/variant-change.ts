import { sql } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import { tenantId } from "../kernel/actor.js";
import { emit } from "../kernel/event/index.js";
import type { Choice, Option, OptionPatch } from "./option.js";
import { type Assignment, changeOptions, defaultName } from "./option-change.js";
import { type Variant, VariantUpdated } from "./variant.js";

interface Product {
  id: string;
  /** Its names before and after the change: a variant without options is called like it. */
  was: string;
  name: string;
  variants: readonly Variant[];
}

interface Change {
  before: readonly Option[];
  after: readonly OptionPatch[];
  assignments: readonly Assignment[];
}

const isEqual = (one: Choice, other: Choice) => JSON.stringify(one) === JSON.stringify(other);

/**
 * Changes the values of a product's variants together with its options, in the transaction that has locked the product.
 * @returns all variants as they are then
 * @throws Failure invalid or conflict
 */
export async function changeVariants(tx: Tx, product: Product, change: Change): Promise<Variant[]> {
  const choices = changeOptions({ ...change, variants: product.variants });
  const variants = product.variants.map((variant, index) => {
    const options = choices[index] ?? {};
    if (isEqual(options, variant.options)) return variant;
    const isNamed = variant.name !== defaultName(variant.options, product.was);
    const name = isNamed ? variant.name : defaultName(options, product.name);
    return { ...variant, options, name, version: variant.version + 1 };
  });
  const changed = variants.filter((variant, index) => variant !== product.variants[index]);
  if (changed.length > 0) await writeVariants(tx, changed);
  for (const { id } of changed) emit(VariantUpdated, { variantId: id, productId: product.id });
  return variants;
}

/**
 * Two statements in one message: variants that exchange their values would be equal in between, which the unique key
 * refuses, so that each first gets a value that no other variant can have.
 */
async function writeVariants(tx: Tx, changed: readonly Variant[]): Promise<void> {
  const tenant = sql`${typeIdToUuid("ten", tenantId())}::uuid`;
  const rows = JSON.stringify(changed.map(({ id, name, options }) => ({ id: typeIdToUuid("var", id), name, options })));
  const given = sql`jsonb_to_recordset(${rows}::jsonb) as given (id uuid, name text, options jsonb)`;
  const isGiven = sql`v.tenant_id = ${tenant} and v.id = given.id`;
  await Promise.all([
    tx.execute(sql`update variant v set options = jsonb_build_object('', v.id) from ${given} where ${isGiven}`),
    tx.execute(sql`
      update variant v
         set options = given.options, name = given.name, version = v.version + 1, updated_at = now()
        from ${given} where ${isGiven}`),
  ]);
}
