import { type SQLWrapper, sql } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { actorRecord } from "../kernel/actor.js";
import { defer } from "../kernel/db.js";
import { tenant } from "./stock.js";

/**
 * Puts the goods of a cancelled order back where they were taken from, with a later statement of the transaction: what
 * its movements have taken and not given back yet. The ids of movements are UUIDv7, so that those before the order are
 * not read; the clocks that made ids and instants may differ by minutes.
 * @param variantIds the query of the order's variants
 */
export function restockLater(tx: Tx, order: { id: string; placedAt: string }, variantIds: SQLWrapper): void {
  const since = sql`uuidv7(${order.placedAt}::timestamptz - clock_timestamp() - interval '1 hour')`;
  const statement = sql`
    with sold as (
      select m.variant_id, m.location_id, -sum(m.delta)::int as quantity from stock_movement m
       where m.tenant_id = ${tenant()} and m.reference = ${order.id} and m.reason in ('sold', 'cancelled')
         and m.id >= (select ${since}) and m.variant_id in (${variantIds})
       group by m.variant_id, m.location_id having sum(m.delta) < 0),
    level as materialized (
      select s.variant_id, s.location_id, s.on_hand + sold.quantity as on_hand, s.reserved, sold.quantity
        from stock_level s join sold on sold.variant_id = s.variant_id and sold.location_id = s.location_id
       where s.tenant_id = ${tenant()} order by s.variant_id, s.location_id for no key update of s),
    given as (
      update stock_level s set on_hand = level.on_hand, reserved = level.reserved, version = s.version + 1,
             updated_at = now()
        from level where s.tenant_id = ${tenant()} and s.variant_id = level.variant_id
         and s.location_id = level.location_id)
    insert into stock_movement (tenant_id, id, variant_id, location_id, delta, reason, reference, actor)
    select ${tenant()}, uuidv7(), variant_id, location_id, quantity, 'cancelled', ${order.id},
           ${JSON.stringify(actorRecord())}::jsonb
      from level`;
  defer(tx.execute(statement));
}
