import { and, eq, lte, type SQL, sql } from "drizzle-orm";
import { type PgColumn, unionAll } from "drizzle-orm/pg-core";
import type { Reader } from "../../drizzle/reader.js";
import { uuidToTypeId } from "../../drizzle/typeid.js";
import { reservationTable, stockLevelTable } from "../inventory/inventory.sql.js";
import { variantTable } from "./catalog.sql.js";
import { type Price, priceShape } from "./price.js";
import { priceTable } from "./price.sql.js";

interface StoreVariant {
  id: string;
  sku: string;
  name: string;
  options: Record<string, string>;
  available: number;
  price: Price | null;
}

/** A part of what is known of a variant: each table knows its own columns, and has null in the others. */
interface Fact {
  productId: SQL;
  sku: SQL;
  name: SQL;
  options: SQL;
  position: SQL;
  /** Units that can be bought. */
  free: SQL;
  price: SQL;
}
const unknown: Fact = {
  productId: sql`null::uuid`,
  sku: sql`null::text`,
  name: sql`null::text`,
  options: sql`null::jsonb`,
  position: sql`null::int`,
  free: sql`0`,
  price: sql`null::json`,
};

/** The columns of one arm of the union, in one order and with one name each. */
const columns = (id: PgColumn, known: Partial<Fact>) => {
  const { productId, sku, name, options, position, free, price } = { ...unknown, ...known };
  return {
    id: sql`${id}`.as("id"),
    productId: productId.as("product_id"),
    sku: sku.as("sku"),
    name: name.as("name"),
    options: options.as("options"),
    position: position.as("position"),
    free: free.as("free"),
    price: price.as("price"),
  };
};

/** The variants of some products. */
const listedVariants = (q: Reader, productIds: SQL) =>
  q.$with("listed").as(
    q
      .select({
        id: variantTable.id,
        productId: variantTable.productId,
        sku: variantTable.sku,
        name: variantTable.name,
        options: variantTable.options,
        position: variantTable.position,
      })
      .from(variantTable)
      .where(sql`${variantTable.productId} = any(array(${productIds}))`),
  );
type Listed = ReturnType<typeof listedVariants>;

/** All rows of the listed variants in four tables. */
function variantFacts(q: Reader, listed: Listed, currency: SQL) {
  const isListed = (variantId: PgColumn) => sql`${variantId} = any(array(select ${listed.id} from ${listed}))`;
  const { variantId: levelOf, onHand, reserved } = stockLevelTable;
  const { variantId: heldFor, quantity, expiresAt } = reservationTable;
  const own = (name: "productId" | "sku" | "name" | "options" | "position") => sql`${listed[name]}`;
  return q.$with("fact").as(
    unionAll(
      q
        .select(
          columns(listed.id, {
            productId: own("productId"),
            sku: own("sku"),
            name: own("name"),
            options: own("options"),
            position: own("position"),
          }),
        )
        .from(listed),
      q
        .select(columns(levelOf, { free: sql`${onHand} - ${reserved}` }))
        .from(stockLevelTable)
        .where(isListed(levelOf)),
      q
        .select(columns(heldFor, { free: sql`${quantity}` }))
        .from(reservationTable)
        .where(and(isListed(heldFor), lte(expiresAt, sql`now()`))),
      q
        .select(columns(priceTable.variantId, { price: priceShape }))
        .from(priceTable)
        .where(and(isListed(priceTable.variantId), eq(priceTable.currency, currency))),
    ),
  );
}

const mergedVariants = (q: Reader, fact: ReturnType<typeof variantFacts>) =>
  q.$with("merged").as(
    q
      .select({
        id: fact.id,
        productId: sql`any_value(${fact.productId})`.as("product_id"),
        position: sql`any_value(${fact.position})`.as("position"),
        json: sql`json_build_object('id', ${fact.id}, 'sku', any_value(${fact.sku}), 'name', any_value(${fact.name}),
          'options', any_value(${fact.options}), 'available', sum(${fact.free})::int,
          'price', any_value(${fact.price}))`.as("json"),
      })
      .from(fact)
      .groupBy(fact.id),
  );

/**
 * The variants of some products, as one JSON value for each product, with the price in one currency and the units that
 * can be bought. Each table is read once for all of the products, and its rows are merged by their variant in an
 * aggregate. The planner, which expects one row in such a part of a table, would join them in nested loops, whose cost
 * grows with the square of the rows. Expired reservations do not count as held, even before the sweep has deleted them.
 * @param productIds a subquery
 * @returns common table expressions; the last one has a row for each product that has variants
 */
export function storeVariants(q: Reader, productIds: SQL, currency: SQL) {
  const listed = listedVariants(q, productIds);
  const fact = variantFacts(q, listed, currency);
  const merged = mergedVariants(q, fact);
  const offered = q.$with("offered").as(
    q
      .select({
        productId: merged.productId,
        variants: sql`json_agg(${merged.json} order by ${merged.position}, ${merged.id})`.as("variants"),
      })
      .from(merged)
      .groupBy(merged.productId),
  );
  return { expressions: [listed, fact, merged, offered] as const, offered };
}

/** Ids inside of JSON do not pass a column on their way out. */
export const decodeVariants = (variants: StoreVariant[]): StoreVariant[] =>
  variants.map((variant) => ({ ...variant, id: uuidToTypeId("var", variant.id) }));
