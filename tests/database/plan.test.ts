import { beforeAll, expect, test } from "vitest";
import { newTypeId, typeIdToUuid } from "../../drizzle/typeid.js";
import { type Operation, operations, prefixOf, type Schema } from "../isolation/operation.js";
import { type Body, type Caller, Cart, newMember, newProduct, newTenant, type Tenant } from "../support/client.js";
import { ownHost, quiet } from "../support/host.js";
import { size } from "../support/size.js";
import { copyRows } from "./copies.js";

/**
 * No list grows with the rows of its tenant. Each list of the API is read without a filter, by each value of each of its
 * filters, and from its second page; what Postgres then touched is counted in blocks of 8 kB. A page of five rows takes
 * a few dozen of them. Where a filter or an order is no condition of an index, all rows of the tenant are read.
 */
const host = ownHost(quiet);
const PAGE = 5;
/** A filter with more values than these, such as a currency, is tried with one of them. */
const MANY = 20;
const MOST_BLOCKS = 150;
/** So many executions of a prepared statement are planned for their values; then Postgres may keep a plan for all. */
const PLANNED_ANEW = 5;

let tenant: Tenant;
let lists: Operation[];

beforeAll(async () => {
  const { admin, url } = host();
  await admin.query("create extension pg_stat_statements");
  tenant = await newTenant({}, url);
  await fill();
  const uuid = typeIdToUuid("ten", tenant.id);
  await admin.query("update tenant set plan = 'scale' where tenant_id = $1", [uuid]);
  await copyRows(admin.query, uuid, size.copies);
  lists = (await operations(url)).filter(
    ({ method, path, query }) => method === "GET" && !path.includes("{") && query.some(({ name }) => name === "cursor"),
  );
}, 300_000);

/** One of each thing that a list shows. */
async function fill(): Promise<void> {
  const { admin } = host();
  const { variantId } = await newProduct(tenant, { stock: 9 });
  const cart = await Cart.open(tenant.shop, { lines: [{ variantId, quantity: 1 }] });
  await cart.prepare();
  const { order } = (await cart.complete()).body;
  await tenant.post(`/v1/admin/orders/${order.id}/capture`, {});
  await newMember(tenant, "MEMBER");
  const of = { tenant: typeIdToUuid("ten", tenant.id), order: typeIdToUuid("ord", order.id) };
  const insert = (text: string, ...values: unknown[]) => admin.query(text, [of.tenant, ...values]);
  await insert(
    "insert into incident (tenant_id, id, kind, reference, data) values ($1, uuidv7(), 'a.kind', 'r', '{}')",
  );
  await insert(
    `insert into dispute (tenant_id, id, payment_id, order_id, reference, status, reason, amount, currency, opened_at)
     select tenant_id, uuidv7(), id, order_id, 'dp_1', 'needs_response', 'fraudulent', 1, 'EUR', now()
       from payment where tenant_id = $1 and order_id = $2`,
    of.order,
  );
  await insert(
    `insert into job (tenant_id, id, name, payload, status, request_id, finished_at)
     values ($1, uuidv7(), 'a.job', '{}', 'succeeded', 'req', now())`,
  );
  await insert(
    `insert into sale_quarter (tenant_id, quarter, currency, orders, gross)
     values ($1, extract(epoch from now()) / 900, 'EUR', 1, 1)`,
  );
}

const today = new Date().toISOString().slice(0, 10);
/** Filters whose values are no field of a row. */
const elsewhere: Record<string, (row: Body) => string | undefined> = {
  account: (row) => row?.entries[0].account,
  currency: () => "EUR",
  from: () => today,
  to: () => today,
  timeZone: () => "Asia/Tokyo",
  region: () => undefined,
  expand: () => undefined,
};

/** A value that no row has; undefined where the values are listed. */
function nothing({ type }: Schema, prefix: string | undefined): string {
  if (prefix) return newTypeId(prefix);
  return type === "integer" ? "1" : "nothing@none.test";
}

/** The values of a filter: all that are listed, else that of the first row, and one that no row has. */
function valuesOf(name: string, schema: Schema, row: Body): string[] {
  if (schema.enum && schema.enum.length <= MANY) return schema.enum.map(String);
  const known = name in elsewhere ? elsewhere[name]?.(row) : row?.[name];
  if (known === undefined && !(name in elsewhere)) throw new Error(`No row tells a value of the filter "${name}".`);
  if (known === undefined) return [];
  const isFree =
    (!schema.enum && !schema.pattern && !schema.format) || prefixOf(schema) !== undefined || name === "email";
  return [...(known === null ? [] : [String(known)]), ...(isFree ? [nothing(schema, prefixOf(schema))] : [])];
}

/** The most blocks that one statement of a request touches, and that statement. */
async function blocksOf(caller: Caller, path: string): Promise<{ blocks: number; statement: string }> {
  const { admin } = host();
  for (let time = 0; time <= PLANNED_ANEW; time += 1) await caller.get(path);
  await admin.query("select pg_stat_statements_reset()");
  await caller.get(path);
  const [worst] = await admin.query(`
    select (shared_blks_hit + shared_blks_read)::int as blocks, query from pg_stat_statements
     where userid = 'stoa_app'::regrole order by 1 desc limit 1`);
  return { blocks: Number(worst?.blocks ?? 0), statement: String(worst?.query) };
}

test("no list reads more than its page", { timeout: 300_000 }, async () => {
  let seen = 0;
  const findings: string[] = [];
  for (const { path, query } of lists) {
    const caller = path.startsWith("/v1/store") ? tenant.shop : path.startsWith("/v1/admin") ? tenant.owner : undefined;
    if (!caller) continue;
    const whole = await caller.get(`${path}?limit=${PAGE}`);
    const filters = query.filter(({ name }) => !["limit", "cursor"].includes(name));
    const asked = filters.flatMap(({ name, schema }) =>
      valuesOf(name, schema, whole.data[0]).map((value) => `&${new URLSearchParams({ [name]: value })}`),
    );
    for (const filter of ["", ...(whole.nextCursor ? [`&cursor=${whole.nextCursor}`] : []), ...asked]) {
      const request = `${path}?limit=${PAGE}${filter}`;
      const { blocks, statement } = await blocksOf(caller, request);
      seen += 1;
      // The list of tax rates also tells the countries without one; a shop has some hundred rates, not the thousands here.
      const most = path === "/v1/admin/tax-rates" ? 7 * MOST_BLOCKS : MOST_BLOCKS;
      if (blocks > most) findings.push(`${request}: ${blocks} blocks by ${statement}`);
    }
  }
  expect(seen).toBeGreaterThan(lists.length * 2);
  expect(findings).toEqual([]);
});
