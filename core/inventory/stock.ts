import { Param, type SQL, sql } from "drizzle-orm";
import { prepared } from "../../drizzle/prepared.js";
import type { Reader, Unexecuted } from "../../drizzle/reader.js";
import type { Tx } from "../../drizzle/tenant.js";
import { typeIdToUuid, uuidToTypeId } from "../../drizzle/typeid.js";
import { actorRecord, tenantId } from "../kernel/actor.js";
import { db, defer, read } from "../kernel/db.js";
import { conflict } from "../kernel/error.js";
import { stockLevelTable } from "./inventory.sql.js";

/**
 * Each function deducts or reserves stock with one statement for any number of lines: the statement merges equal
 * variants, locks the levels in key order, so that transactions cannot deadlock, and changes all lines or none. The query
 * builder cannot express these statements, so they are raw SQL, and each names its tenant itself.
 *
 * One statement is enough under READ COMMITTED: `level` waits for its locks and then reads the newest rows, and all
 * later parts of the statement count from those. So updates write both numbers as counted there and never count from
 * `s`: Postgres tries the row of the snapshot first, and its old numbers could fail the CHECK.
 * Each statement that changes a reservation holds the lock of its level.
 */
export interface Line {
  variantId: string;
  quantity: number;
}

interface Short {
  variantId: string;
  requested: number;
  available: number;
}

/** The tenant, for raw SQL. */
export const tenant = () => new Param(tenantId(), stockLevelTable.tenantId);
const uuids = (ids: readonly string[]) => sql`${new Param(ids.map((id) => typeIdToUuid("var", id)))}::uuid[]`;

/** Locks the levels that `keys` selects, and frees those of their reservations `r` that meet the condition `which`. */
const lockedLevels = (keys: SQL, which: SQL, skip = sql``) => sql`
  level as materialized (
    select s.variant_id, s.location_id, s.on_hand, s.reserved from stock_level s
     where s.tenant_id = ${tenant()} and (s.variant_id, s.location_id) in (${keys})
     order by s.variant_id, s.location_id for no key update of s ${skip}),
  freed as (
    delete from reservation r using level l
     where r.tenant_id = ${tenant()} and r.variant_id = l.variant_id and r.location_id = l.location_id and (${which})
    returning r.variant_id, r.location_id, r.quantity),
  room as (
    select l.variant_id, l.location_id, l.on_hand, l.reserved - coalesce(sum(f.quantity), 0)::int as reserved,
           coalesce(sum(f.quantity), 0)::int as freed
      from level l left join freed f on f.variant_id = l.variant_id and f.location_id = l.location_id
     group by l.variant_id, l.location_id, l.on_hand, l.reserved)`;

/**
 * Shares the wanted lines out over the locations, the default one first; `fits.ok` is true when no line is short.
 * @param most what the holder may have of a variant at most, besides what is there; null: no limit
 */
const allocation = (lines: readonly Line[], holder: string | undefined, most = sql`null::bigint`) => sql`
  want as (
    select variant_id, sum(quantity)::int as quantity
      from unnest(${uuids(lines.map((line) => line.variantId))},
                  ${new Param(lines.map((line) => line.quantity))}::int[]) as line (variant_id, quantity)
     group by variant_id),
  ${lockedLevels(
    sql`
      select variant_id, location_id from stock_level
       where tenant_id = ${tenant()} and variant_id in (select variant_id from want)
      union
      select variant_id, location_id from reservation where tenant_id = ${tenant()} and holder = ${holder ?? null}`,
    sql`r.holder = ${holder ?? null} or r.expires_at <= now()`,
  )},
  short as (
    select variant_id, requested, available from (
      select w.variant_id, w.quantity as requested,
             greatest(0, least(coalesce(sum(r.on_hand - r.reserved), 0), ${most}))::int as available
        from want w left join room r on r.variant_id = w.variant_id
       group by w.variant_id, w.quantity) as wanted
     where available < requested),
  fits as (select not exists (select from short) as ok),
  share as (
    select r.*, case when fits.ok then greatest(0, least(
             r.on_hand - r.reserved,
             coalesce(w.quantity, 0) - (sum(r.on_hand - r.reserved) over nearest - (r.on_hand - r.reserved))))::int
           else 0 end as quantity
      from fits cross join room r
      join location l on l.tenant_id = ${tenant()} and l.id = r.location_id
      left join want w on w.variant_id = r.variant_id
    window nearest as (partition by r.variant_id order by l.is_default desc, r.location_id))`;

const sameLevel = sql`s.variant_id = share.variant_id and s.location_id = share.location_id`;

/** A statement that allocates stock for some lines, and the check of its answer. */
export interface Allocation {
  query(q: Reader): Unexecuted<{ rows: Record<string, unknown>[] }>;
  /** @throws Failure conflict `stock.insufficient`, with each line that is short; the caller rolls back */
  refuseShort(answer: { rows: Record<string, unknown>[] }): void;
}

/**
 * Takes stock for good: from the default location first, then from the others; the reservations of `holder` are given
 * back before. The movements name the order.
 */
export const deduction = (lines: readonly Line[], reference: { orderId: string; holder?: string }): Allocation =>
  allocationOf(
    lines,
    sql`
      with ${allocation(lines, reference.holder)},
      taken as (
        update stock_level s
           set on_hand = share.on_hand - share.quantity, reserved = share.reserved,
               version = s.version + 1, updated_at = now()
          from share where s.tenant_id = ${tenant()} and ${sameLevel} and share.quantity + share.freed > 0),
      moved as (
        insert into stock_movement (tenant_id, id, variant_id, location_id, delta, reason, reference, actor)
        select ${tenant()}, uuidv7(), variant_id, location_id, -quantity, 'sold', ${reference.orderId},
               ${JSON.stringify(actorRecord())}::jsonb
          from share where quantity > 0)
      select * from short`,
  );

/** For whom stock is held. */
export interface Hold {
  holder: string;
  /** The end, by the clock of the database. */
  until: SQL;
  /** The client, whose holds together take a part of what there is at most; null: no client is known. */
  addressKey: string | null;
  /** That part, in percent. */
  share: number;
}

/** Units of a variant that a client may hold whatever its share is, so that a small stock can be held as a whole. */
const FREE_UNITS = 10;

/**
 * Holds stock until a deadline, and replaces the earlier reservations of the holder. One client holds no more than its
 * share of a variant with all its carts: what it asks beyond that counts as not available. Called in the transaction that sends it next.
 */
export function reservation(lines: readonly Line[], { holder, until, addressKey, share }: Hold): Allocation {
  if (addressKey) defer((q) => lockClient(q, { addressKey }));
  return allocationOf(
    lines,
    sql`
      with ${allocation(lines, holder, ofClient({ holder, addressKey, share }))},
      held as (
        update stock_level s
           set on_hand = share.on_hand, reserved = share.reserved + share.quantity,
               version = s.version + 1, updated_at = now()
          from share where s.tenant_id = ${tenant()} and ${sameLevel} and share.quantity + share.freed > 0),
      kept as (
        insert into reservation (tenant_id, holder, variant_id, location_id, quantity, address_key, expires_at)
        select ${tenant()}, ${holder}, variant_id, location_id, quantity, ${addressKey}, ${until}
          from share where quantity > 0)
      select * from short`,
  );
}

/**
 * Lets one reservation of a client follow the other. The lock is a statement of its own, before the one that counts:
 * that one's snapshot must be younger than the commit for which the lock has waited.
 */
const lockClient = prepared((q, { addressKey }: { addressKey: string }) =>
  q.execute(sql`select pg_advisory_xact_lock(hashtextextended(current_setting('app.tenant_id') || ${addressKey}, 2))`),
);

/** What a client may hold of the variant of `w`, with its stock in `r`; `lockClient` keeps its other carts from adding. */
const ofClient = ({ holder, addressKey, share }: Omit<Hold, "until">) => sql`
  greatest(${FREE_UNITS}::int, sum(r.on_hand) * ${share}::int / 100) - (
    select coalesce(sum(other.quantity), 0) from reservation other
     where other.tenant_id = ${tenant()} and other.variant_id = w.variant_id and other.expires_at > now()
       and other.address_key = ${addressKey}::text and other.holder <> ${holder})`;

const allocationOf = (lines: readonly Line[], statement: SQL): Allocation => ({
  query: (q) => q.execute<Record<string, unknown>>(statement),
  refuseShort({ rows }) {
    if (rows.length === 0) return;
    const items = rows.map(({ variant_id, requested, available }) => ({
      variantId: uuidToTypeId("var", String(variant_id)),
      requested: Number(requested),
      available: Number(available),
    }));
    throw insufficientStock(lines, items);
  },
});

/**
 * Allocates stock in the caller's transaction, which is rolled back when this throws.
 * @throws Failure conflict `stock.insufficient`, with each line that is short
 */
export const allocate = ({ query, refuseShort }: Allocation): Promise<void> =>
  db(async () => refuseShort(await read(query)));

/** The failure that names each short line, with the requested and the available units of its variant. */
export function insufficientStock(lines: readonly { variantId: string }[], items: readonly Short[], path = "/lines") {
  const short = new Map(items.map((item) => [item.variantId, item]));
  const errors = lines.flatMap(({ variantId }, index) => {
    const item = short.get(variantId);
    if (!item) return [];
    return [
      {
        pointer: `${path}/${index}`,
        detail: `has ${item.available} units available, and ${item.requested} were requested`,
      },
    ];
  });
  return conflict("stock.insufficient", "There is not enough stock; see `items`.", { errors, data: { items } });
}

/** Gives back the reservations of `holder`, with a later statement of the transaction; a second call changes no row. */
export function releaseLater(tx: Tx, holder: string): void {
  const keys = sql`select variant_id, location_id from reservation where tenant_id = ${tenant()} and holder = ${holder}`;
  defer(tx.execute(releaseStatement(keys, sql`r.holder = ${holder}`)));
}

/**
 * Gives back expired reservations, at up to `limit` levels, and skips the levels that other transactions have locked.
 * @returns how many reservations it freed
 */
export const releaseExpired = (limit = 500): Promise<number> =>
  db(async (tx) => {
    const keys = sql`
      select variant_id, location_id from reservation
       where tenant_id = ${tenant()} and expires_at <= now() order by expires_at limit ${limit}`;
    const { rows } = await tx.execute<{ freed: number }>(
      releaseStatement(keys, sql`r.expires_at <= now()`, sql`skip locked`),
    );
    return rows[0]?.freed ?? 0;
  });

const releaseStatement = (keys: SQL, which: SQL, skip?: SQL) => sql`
  with ${lockedLevels(keys, which, skip)},
  given as (
    update stock_level s set on_hand = room.on_hand, reserved = room.reserved,
           version = s.version + 1, updated_at = now()
      from room where s.tenant_id = ${tenant()} and s.variant_id = room.variant_id
       and s.location_id = room.location_id and room.freed > 0)
  select count(*)::int as freed from freed`;
