import type { Host } from "../../stacks/local/host.js";
import { median } from "./figure.js";
import type { Generator } from "./generator.js";
import { type ScenarioName, scenarios } from "./scenario.js";
import { openShop, type Shop } from "./shop.js";
import { walk } from "./trips.js";

/** The time of one request at one connection, in a small tenant and in a large one. */
export interface Growth {
  readonly name: string;
  /** Milliseconds. */
  readonly small: number;
  readonly large: number;
  /** The median of the slices' ratios. */
  readonly ratio: number;
}

/** Variants and orders of each. */
export interface Sizes {
  readonly small: number;
  readonly large: number;
}

const measured = ["list", "detail", "orders", "cart", "checkout"] as const satisfies ScenarioName[];

/** The columns of a table that take values: generated ones take none. */
async function columnsOf(host: Host, table: string): Promise<string[]> {
  const rows = await host.admin.query(
    `select quote_ident(attname) as name from pg_attribute
      where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`,
    [table],
  );
  return rows.map(({ name }) => String(name));
}

/** One statement, as the superuser, that repeats the one order of the tenant: $1 its slug, $2 how often. */
const repeat = (insert: (table: string) => string) => `
  with shop as (select tenant_id as id from tenant where slug = $1),
  model as (select o.* from "order" o join shop on o.tenant_id = shop.id limit 1),
  copies as (
    select nth, md5(random()::text) || md5(random()::text) as token, uuidv7() as new_cart, uuidv7() as new_order
    from generate_series(1, $2::int) as nth),
  carts as (
    ${insert("cart")} from model
    join cart on cart.tenant_id = model.tenant_id and cart.id = model.cart_id, copies,
    lateral jsonb_populate_record(cart, jsonb_build_object('id', new_cart, 'token_hash', token)) as made),
  orders as (
    ${insert('"order"')} from model, copies,
    lateral jsonb_populate_record(null::"order", to_jsonb(model) || jsonb_build_object(
      'id', new_order, 'cart_id', new_cart, 'token_hash', token, 'number', model.number + nth)) as made),
  lines as (
    ${insert("order_line")} from model
    join order_line line on line.tenant_id = model.tenant_id and line.order_id = model.id, copies,
    lateral jsonb_populate_record(line, jsonb_build_object('id', uuidv7(), 'order_id', new_order)) as made)
  update counter set value = value + $2::int from shop where counter.tenant_id = shop.id and name = 'order'`;

/** A shop with as many variants as orders. */
async function openShopWithOrders(host: Host, count: number): Promise<Shop> {
  const shop = await openShop(host, count / 4);
  await walk(shop, scenarios.checkout);
  const tables = ["cart", '"order"', "order_line"];
  const columns = new Map(
    await Promise.all(tables.map(async (table) => [table, await columnsOf(host, table)] as const)),
  );
  const insert = (table: string) => {
    const names = columns.get(table) ?? [];
    return `insert into ${table} (${names}) select ${names.map((name) => `made.${name}`)}`;
  };
  await host.admin.query(repeat(insert), [shop.tenant, count - 1]);
  return shop;
}

/** Slices in turn, at one connection: the time of a request alone, so that a queue does not hide it. */
export async function measureGrowth(
  host: Host,
  generator: Generator,
  sizes: Sizes,
  length: { readonly seconds: number; readonly slices: number },
  quiet: () => Promise<void>,
): Promise<Growth[]> {
  const shops = [await openShopWithOrders(host, sizes.small), await openShopWithOrders(host, sizes.large)];
  await quiet();
  await host.admin.query("vacuum analyze");
  const grown: Growth[] = [];
  for (const scenario of measured) {
    const times: number[][] = [[], []];
    for (let nth = -1; nth < length.slices; nth += 1) {
      for (const [index, shop] of shops.entries()) {
        const order = { scenario, shops: [shop], url: shop.url, connections: 1, seconds: length.seconds };
        const { rounds } = await generator.run(order);
        if (nth >= 0) times[index]?.push(median(rounds)); // the first slice warms up
        await quiet();
      }
    }
    const [small = [], large = []] = times;
    const ratio = median(large.map((time, index) => time / (small[index] ?? time)));
    grown.push({ name: scenarios[scenario].name, small: median(small), large: median(large), ratio });
  }
  return grown;
}
