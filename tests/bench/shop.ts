import { typeIdToUuid, uuidToTypeId } from "../../drizzle/typeid.js";
import type { Host } from "../../stacks/local/host.js";
import { newTenant, password } from "../support/client.js";
import { productsOf, STOCK, sizes } from "./catalog.js";

/** What a scenario needs to know of the shop; it travels to the process that makes the load. */
export interface Shop {
  readonly url: string;
  readonly tenant: string;
  readonly email: string;
  readonly password: string;
  readonly secretKey: string;
  readonly publishableKey: string;
  readonly products: readonly string[];
  readonly variantIds: readonly string[];
  readonly shippingOptionId: string;
}

/** One statement, as the superuser: $1 tenant; $2 titles, $3 handles, $4 descriptions and $5 cents of the products, $6 their sizes. */
const shelf = `
  with shop as (select $1::uuid as tenant, (select id from location where tenant_id = $1 and is_default) as location),
  wanted as (
    select uuidv7() as id, wanted.* from unnest($2::text[], $3::text[], $4::text[], $5::int[])
      as wanted (name, slug, description, cents)),
  products as (
    insert into product (tenant_id, id, slug, name, description, status, options)
    select tenant, id, slug, name, description, 'active',
      jsonb_build_array(jsonb_build_object('name', 'Size', 'values', $6::text[]))
    from shop, wanted),
  made as (
    select uuidv7() as id, wanted.id as product, upper(slug) || '-' || size as sku, size, nth - 1 as position,
      round(1.2 * (cents + 100 * (nth - 1))) as amount
    from wanted, unnest($6::text[]) with ordinality as sizes (size, nth)),
  variants as (
    insert into variant (tenant_id, id, product_id, sku, name, options, position)
    select tenant, id, product, sku, size, jsonb_build_object('Size', size), position from shop, made),
  prices as (
    insert into price (tenant_id, variant_id, currency, amount)
    select tenant, id, 'EUR', amount from shop, made),
  levels as (
    insert into stock_level (tenant_id, variant_id, location_id, on_hand)
    select tenant, id, location, $7::int from shop, made),
  movements as (
    insert into stock_movement (tenant_id, id, variant_id, location_id, delta, reason, actor)
    select tenant, uuidv7(), id, location, $7::int, 'received', '{"type":"system"}' from shop, made)
  select (select array_agg(slug) from wanted) as products, (select array_agg(id::text) from made) as variants`;

/**
 * Signs a tenant up and puts so many products of four variants on its shelf, with prices and stock.
 * @param rate requests for each second that it may send
 */
export async function openShop(host: Host, products: number, rate = 20_000): Promise<Shop> {
  const tenant = await newTenant({}, host.url);
  // A measurement makes more orders than the trial allows in a month, and its shoppers are one address.
  await host.admin.query("update tenant set plan = 'scale', request_rate = $2 where tenant_id = $1", [
    typeIdToUuid("ten", tenant.id),
    rate,
  ]);
  const catalog = productsOf(products);
  const [row] = await host.admin.query(shelf, [
    typeIdToUuid("ten", tenant.id),
    catalog.map(({ title }) => title),
    catalog.map(({ handle }) => handle),
    catalog.map(({ description }) => description),
    catalog.map(({ cents }) => cents),
    sizes,
    STOCK,
  ]);
  const { products: slugs, variants } = row as { products: string[]; variants: string[] };
  await host.admin.query("analyze");
  const { data } = await tenant.get("/v1/admin/shipping-options");
  return {
    url: host.url,
    tenant: tenant.slug,
    email: tenant.ownerEmail,
    password,
    secretKey: tenant.credential ?? "",
    publishableKey: tenant.shop.credential ?? "",
    products: slugs,
    variantIds: variants.map((id) => uuidToTypeId("var", id)),
    shippingOptionId: data[0].id,
  };
}
