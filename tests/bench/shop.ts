import { typeIdToUuid, uuidToTypeId } from "../../drizzle/typeid.js";
import type { Host } from "../../stacks/local/host.js";
import { newTenant, password } from "../support/client.js";

/** What a scenario needs to know of the shop; it travels to the process that makes the load. */
export interface Shop {
  readonly url: string;
  readonly tenant: string;
  readonly email: string;
  readonly password: string;
  readonly secretKey: string;
  readonly publishableKey: string;
  readonly product: string;
  readonly variantIds: readonly string[];
  readonly shippingOptionId: string;
}

const sizes = ["S", "M", "L", "XL"];

/** One statement, as the superuser: $1 tenant, $2 how many products, $3 their sizes. */
const shelf = `
  with shop as (select $1::uuid as tenant, (select id from location where tenant_id = $1 and is_default) as location),
  products as (
    insert into product (tenant_id, id, slug, name, description, status, options)
    select tenant, uuidv7(), 'product-' || n, 'Product ' || n, repeat('It is well made and lasts. ', 8), 'active',
      jsonb_build_array(jsonb_build_object('name', 'Size', 'values', $3::text[]))
    from shop, generate_series(1, $2::int) n
    returning id, slug),
  variants as (
    insert into variant (tenant_id, id, product_id, sku, name, options, position)
    select tenant, uuidv7(), products.id, upper(slug) || '-' || size, size, jsonb_build_object('Size', size), nth - 1
    from shop, products, unnest($3::text[]) with ordinality as sizes (size, nth)
    returning id),
  prices as (
    insert into price (tenant_id, variant_id, currency, amount)
    select tenant, id, 'EUR', 1000 + 100 * (row_number() over ()) % 5000 from shop, variants),
  levels as (
    insert into stock_level (tenant_id, variant_id, location_id, on_hand)
    select tenant, id, location, 1000000 from shop, variants),
  movements as (
    insert into stock_movement (tenant_id, id, variant_id, location_id, delta, reason, actor)
    select tenant, uuidv7(), id, location, 1000000, 'received', '{"type":"system"}' from shop, variants)
  select (select max(slug) from products) as product, (select array_agg(id::text) from variants) as variants`;

/** Signs a tenant up and puts so many products of four variants on its shelf, with prices and stock. */
export async function openShop(host: Host, products: number): Promise<Shop> {
  const tenant = await newTenant({}, host.url);
  // A measurement makes more orders than the trial allows in a month.
  await host.admin.query("update tenant set plan = 'scale' where tenant_id = $1", [typeIdToUuid("ten", tenant.id)]);
  const [row] = await host.admin.query(shelf, [typeIdToUuid("ten", tenant.id), products, sizes]);
  const { product, variants } = row as { product: string; variants: string[] };
  await host.admin.query("analyze");
  const { data } = await tenant.get("/v1/admin/shipping-options");
  return {
    url: host.url,
    tenant: tenant.slug,
    email: tenant.ownerEmail,
    password,
    secretKey: tenant.credential ?? "",
    publishableKey: tenant.shop.credential ?? "",
    product,
    variantIds: variants.map((id) => uuidToTypeId("var", id)),
    shippingOptionId: data[0].id,
  };
}
