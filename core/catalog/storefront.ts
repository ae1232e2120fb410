import { and, desc, eq, lt, type SQL, sql } from "drizzle-orm";
import * as z from "zod";
import { param, prepared } from "../../drizzle/prepared.js";
import type { Reader } from "../../drizzle/reader.js";
import { read } from "../kernel/db.js";
import { invalid, notFound } from "../kernel/error.js";
import { fn } from "../kernel/fn.js";
import { Currency } from "../kernel/money.js";
import { pageQuery, paginate } from "../kernel/page.js";
import { RegionId, regionTable } from "../region/region.sql.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { ProductId, productTable, VariantId } from "./catalog.sql.js";
import { Price } from "./price.js";
import { Slug } from "./slug.js";
import { decodeVariants, storeVariants } from "./store-variant.js";

export const StoreProduct = z
  .object({
    id: ProductId,
    slug: z.string(),
    name: z.string(),
    description: z.string(),
    options: z.array(z.object({ name: z.string(), values: z.array(z.string()) })),
    variants: z.array(
      z.object({
        id: VariantId,
        sku: z.string(),
        name: z.string(),
        options: z.record(z.string(), z.string()),
        price: Price.nullable().meta({
          description: "In the requested currency; null when the variant has no price in it",
        }),
        available: z.int().meta({ description: "The units that can be bought now" }),
      }),
    ),
  })
  .meta({ id: "StoreProduct", description: "A product as shoppers see it." });

/** The currency of the prices: the requested one, that of the region, or the tenant's own. */
export const PriceContext = z.strictObject({
  currency: Currency.optional().describe("The currency of the prices. Default: that of the region"),
  region: RegionId.optional().describe(
    "The region whose currency the prices have. Default: the tenant's default region",
  ),
});
type PriceContext = z.infer<typeof PriceContext>;

function currencyOf(q: Reader, { currency, region }: PriceContext): SQL {
  if (currency) return sql`${currency}`;
  if (!region) return sql`(${q.select({ currency: tenantTableRoot.currency }).from(tenantTableRoot)})`;
  return sql`(${q
    .select({ currency: regionTable.currency })
    .from(regionTable)
    .where(eq(regionTable.id, param(region, regionTable.id)))})`;
}

/** The products of a condition, the newest first, with their variants; the currency is null for an unknown region. */
function storeProductQuery(q: Reader, asked: PriceContext, where: SQL | undefined, limit: number) {
  const shop = q
    .$with("shop")
    .as(q.select({ currency: currencyOf(q, asked).as("currency") }).from(sql`(select) as one`));
  const { id, slug, name, description, options } = productTable;
  const page = q
    .$with("page")
    .as(
      q.select({ id, slug, name, description, options }).from(productTable).where(where).orderBy(desc(id)).limit(limit),
    );
  const currency = sql<string | null>`(select ${shop.currency} from ${shop})`;
  const { expressions, offered } = storeVariants(q, sql`select ${page.id} from ${page}`, currency);
  return q
    .with(shop, page, ...expressions)
    .select({
      id: page.id,
      slug: page.slug,
      name: page.name,
      description: page.description,
      options: page.options,
      variants: sql`coalesce(${offered.variants}, '[]'::json)`.mapWith(decodeVariants),
      currency,
    })
    .from(page)
    .leftJoin(offered, eq(offered.productId, page.id))
    .orderBy(desc(page.id));
}

type Shown = Awaited<ReturnType<typeof storeProductQuery>>[number];
function toStoreProduct({ currency, ...product }: Shown) {
  if (currency) return product;
  const errors = [{ pointer: "region", detail: "does not exist" }];
  throw invalid("invalid_request", "The region does not exist.", { errors });
}

const active = eq(productTable.status, "active");

export const StorePage = pageQuery(PriceContext.shape);

const activeProducts = prepared(
  (q, { limit, after, ...asked }: PriceContext & { limit: number; after: string | undefined }) =>
    storeProductQuery(
      q,
      asked,
      and(active, after ? lt(productTable.id, param(after, productTable.id)) : undefined),
      limit,
    ),
);

/** Active products, the newest first; one statement for the page with its variants, prices and stock. */
export const listStoreProducts = fn(StorePage, async ({ limit, cursor, ...asked }) => {
  const { after, page: answer } = paginate("store_products", cursor);
  const rows = await read((q) => activeProducts(q, { ...asked, limit: limit + 1, after: after.id }));
  return answer(rows, limit, (row) => ({ id: row.id }), toStoreProduct);
});

export const IdOrSlug = z.union([ProductId, Slug]).describe("The id of a product, or its slug: enamel-mug");

const byId = prepared((q, { key, ...asked }: PriceContext & { key: string }) =>
  storeProductQuery(q, asked, and(eq(productTable.id, param(key, productTable.id)), active), 1),
);
const bySlug = prepared((q, { key, ...asked }: PriceContext & { key: string }) =>
  storeProductQuery(q, asked, and(eq(productTable.slug, key), active), 1),
);

export const getStoreProduct = fn(PriceContext.extend({ idOrSlug: IdOrSlug }), async ({ idOrSlug, ...asked }) => {
  const one = ProductId.safeParse(idOrSlug).success ? byId : bySlug;
  const [row] = await read((q) => one(q, { ...asked, key: idOrSlug }));
  if (!row) throw notFound("product");
  return toStoreProduct(row);
});
