import type pg from "pg";
import { hashToken, newToken } from "../../core/cart/key.js";
import { newTypeId, typeIdToUuid } from "../../drizzle/typeid.js";
import { Cart, type Tenant } from "../support/client.js";

export const tenantUuid = ({ id }: Tenant) => typeIdToUuid("ten", id);

/** Starts `count` of them at once. */
export const atOnce = <T>(count: number, run: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => run(index)));

/** What the database says of itself to a client of ours: nothing. */
export const DATABASE_WORDS = /40P01|40001|deadlock|serializ|could not|constraint|relation|stock_level/i;

/** A cart that lacks nothing, made as a shopper makes one. */
export async function prepared(tenant: Tenant, lines: readonly { variantId: string; quantity: number }[]) {
  return (await Cart.open(tenant.shop, { lines })).prepare();
}

/** Copies of a prepared cart with tokens of their own and lines in any order, because a race needs hundreds of them. */
export async function copies(admin: pg.Pool, tenant: Tenant, cart: Cart, count: number): Promise<Cart[]> {
  const made = Array.from({ length: count }, () => ({ id: newTypeId("crt"), token: newToken() }));
  // They buy from one address, and were not shown the amounts of the lines that they get here.
  await admin.query("update tenant set request_rate = 20000 where tenant_id = $1", [tenantUuid(tenant)]);
  const values = [
    tenantUuid(tenant),
    typeIdToUuid("crt", cart.state.id),
    made.map(({ id }) => typeIdToUuid("crt", id)),
    made.map(({ token }) => hashToken(token)),
  ];
  await admin.query(
    `with copy as (select * from unnest($3::uuid[], $4::text[]) as copy (id, token_hash)),
      carts as (insert into cart
        select (jsonb_populate_record(c, jsonb_build_object('id', copy.id, 'token_hash', copy.token_hash, 'quote', null))).*
          from cart c, copy where c.tenant_id = $1 and c.id = $2 returning id)
      insert into cart_line
        select (jsonb_populate_record(l, jsonb_build_object('id', gen_random_uuid(), 'cart_id', copy.id))).*
          from cart_line l, copy where l.tenant_id = $1 and l.cart_id = $2 and (select count(*) from carts) > 0`,
    values,
  );
  return made.map(({ id, token }) => {
    return new Cart(tenant.shop.with({ "x-cart-token": token }), { id, token, version: cart.state.version });
  });
}

/** Counts the sessions that run transactions while `run` is under way. */
export async function sessionsDuring<T>(admin: pg.Pool, run: () => Promise<T>): Promise<[T, number]> {
  const seen = new Set<string>();
  const look = async () => {
    const { rows } = await admin.query(
      `select pid || ' ' || backend_start as session from pg_stat_activity
        where usename = 'stoa_app' and xact_start is not null`,
    );
    for (const { session } of rows) seen.add(session);
  };
  let over = false;
  const result = run().finally(() => {
    over = true;
  });
  while (!over) {
    await look();
    await new Promise((resume) => setTimeout(resume, 20));
  }
  await look();
  return [await result, seen.size];
}

interface Asked {
  query(text: string, values: unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
}

/** Everything about a tenant's stock and orders that does not add up; empty when all does. */
export async function violations(admin: Asked, tenant: Tenant): Promise<string[]> {
  const { rows } = await admin.query(VIOLATIONS, [tenantUuid(tenant)]);
  return rows.map(({ what }) => String(what));
}

const VIOLATIONS = `
  with level as (select * from stock_level where tenant_id = $1),
  moved as (
    select variant_id, location_id, sum(delta) as all_of_it, coalesce(sum(delta) filter (where reason <> 'sold'), 0) as given,
           -coalesce(sum(delta) filter (where reason = 'sold'), 0) as taken
      from stock_movement where tenant_id = $1 group by 1, 2),
  held as (select variant_id, location_id, sum(quantity) as units from reservation where tenant_id = $1 group by 1, 2),
  sold as (select variant_id, sum(quantity) as units from order_line where tenant_id = $1 group by 1)
  select 'I1 a level is below zero or holds more than there is' as what from level where reserved < 0 or reserved > on_hand
  union all
  select 'I2 ' || reserved || ' reserved, ' || coalesce(units, 0) || ' held'
    from level left join held using (variant_id, location_id) where reserved <> coalesce(units, 0)
  union all
  select 'I3 ' || s.units || ' units in orders, ' || coalesce(m.given - l.on_hand, 0) || ' gone from the shelves'
    from sold s full join (select variant_id, sum(on_hand) as on_hand from level group by 1) l using (variant_id)
    left join (select variant_id, sum(given) as given from moved group by 1) m using (variant_id)
   where coalesce(s.units, 0) + coalesce(l.on_hand, 0) <> coalesce(m.given, 0)
  union all
  select 'I4 ' || on_hand || ' on hand, movements make ' || coalesce(all_of_it, 0)
    from level left join moved using (variant_id, location_id) where on_hand <> coalesce(all_of_it, 0)
  union all
  select 'order numbers have a gap or a repeat' from "order" where tenant_id = $1
   having count(*) > 0 and (min(number) <> 1001 or max(number) <> 1000 + count(*) or count(distinct number) <> count(*))
  union all
  select 'carts and orders differ' where
    (select count(*) from "order" where tenant_id = $1) <> (select count(*) from cart where tenant_id = $1 and status = 'completed')
  union all
  select 'an order has not one payment of its total' from "order" o where tenant_id = $1 and
    (select array_agg(amount) from payment where tenant_id = $1 and order_id = o.id) is distinct from array[o.total]
  union all
  select 'an order has not one event' from (
    select o.id, count(e.id) from "order" o left join event e on e.tenant_id = $1 and e.type = 'order.placed'
       and (e.data ->> 'number')::int = o.number where o.tenant_id = $1 group by o.id having count(e.id) <> 1) as o`;
