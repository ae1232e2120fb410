import { Client } from "pg";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { ownSystem, settle, tenantsOf } from "../messages/system.js";
import { Cart, call, newProduct, type Tenant } from "../support/client.js";

/** Housekeeping: no part stops another, none deletes without a bound, and nobody fills tables faster than it empties them. */

vi.setConfig({ testTimeout: 120_000 });
const own = ownSystem({ schedules: false });
let tenant: Tenant;
const query = (text: string, values?: unknown[]) => own.host.admin.query(text, values);

beforeAll(async () => {
  [tenant] = (await tenantsOf(own.host, 1)) as [Tenant];
  await settle(own.host);
  await query("create extension if not exists pg_stat_statements");
});

const AGES = {
  rate_bucket: "forget_at = now() - interval '1 day', refilled_at = now() - interval '2 days'",
  "platform.bucket": "forget_at = now() - interval '1 day'",
  idempotency_key: "created_at = now() - interval '80 hours'",
  refresh_token: "expires_at = now() - interval '40 days'",
  cart: "expires_at = now() - interval '1 hour'",
} as const;
const OLD_EVENT = `insert into platform.stripe_event
  (endpoint, account, event_id, type, livemode, object_id, created, event, request_id, state, reason, received_at)
  select 'connect', 'acct_none', 'evt_' || i, 'x', false, 'x', now(), '{}', 'req', 'quarantined', 'unknown_account',
         now() - interval '91 days' from generate_series(1, 3) i`;

/** Makes rows for each part of the sweep that deletes, and lets their time pass. */
async function litter(): Promise<void> {
  const { variantId } = await newProduct(tenant);
  await Cart.open(tenant.shop, { lines: [{ variantId, quantity: 1 }] });
  const login = { tenant: tenant.slug, email: tenant.ownerEmail, password: "wrong horse battery" };
  await call("POST", `${own.host.url}/v1/auth/login`, { body: login });
  await call("POST", `${own.host.url}/v1/auth/login`, { body: { ...login, password: "correct horse battery staple" } });
  await query("delete from platform.stripe_event");
  await query(OLD_EVENT);
  for (const [table, age] of Object.entries(AGES)) await query(`update ${table} set ${age}`);
}

const tables = [...Object.keys(AGES), "platform.stripe_event"];
async function left(): Promise<string[]> {
  const counts = await Promise.all(tables.map(async (table) => ({ table, rows: await query(`select from ${table}`) })));
  return counts.filter(({ rows }) => rows.length > 0).map(({ table }) => table);
}

describe("the sweep", () => {
  test("deletes by an index, and a slice at a time", async () => {
    await litter();
    await query("select pg_stat_statements_reset()");
    await own.host.runSchedule("sweep");
    expect(await left()).toEqual([]);
    const rows = await query(`select distinct query from pg_stat_statements where query ~* '^\\s*delete from'
      and dbid = (select oid from pg_database where datname = current_database())`);
    const inFunctions = await query(`select proname as name, prosrc as source from pg_proc
      where pronamespace = 'platform'::regnamespace and prosrc ~* 'delete from'`);
    const statements = rows.map((row) => String(row.query));
    expect(statements.length).toBeGreaterThan(5);
    expect(inFunctions.length).toBeGreaterThan(2);
    // Rows that this transaction has locked, or a slice that no other one holds.
    const isBounded = (text: string) => /= any\(/i.test(text) || /limit \S+ for update skip locked/i.test(text);
    expect(statements.filter((text) => !isBounded(text))).toEqual([]);
    expect(inFunctions.filter(({ source }) => !isBounded(String(source)))).toEqual([]);
    const client = new Client(own.host.admin.url);
    await client.connect();
    const scans: string[] = [];
    await client.query("set enable_seqscan = off"); // so small a table is read as a whole where it may be
    for (const text of [...statements, ...inFunctions.map(({ source }) => String(source))]) {
      const { rows: plan } = await client.query(`explain (generic_plan) ${text}`);
      if (JSON.stringify(plan).includes("Seq Scan")) scans.push(text);
    }
    await client.end();
    expect(scans).toEqual([]);
  });

  test.each(tables)("goes on in all other tables while nobody can delete from %s", async (table) => {
    await litter();
    const client = new Client(own.host.admin.url);
    await client.connect();
    await client.query(`begin; lock table ${table} in access exclusive mode`);
    const since = own.host.logs().length;
    await own.host.runSchedule("sweep");
    await client.query("rollback");
    await client.end();
    expect(await left()).toEqual([table]);
    const logs = own.host.logs().slice(since);
    const failed = logs.filter(({ function: name, text }) => name === "schedule" && text.includes("sweep failed"));
    expect(failed.length).toBeGreaterThan(0);
    await own.host.runSchedule("sweep");
    expect(await left()).toEqual([]);
  });

  test("deletes more than a slice in one run", async () => {
    await query(`insert into rate_bucket (tenant_id, id, capacity, per_second, tokens, granted, refilled_at, forget_at)
      select gen_random_uuid(), 'login-pair:' || i, 1, 1, 1, true, now() - interval '3 days', now() - interval '1 day'
        from generate_series(1, 12000) i`);
    await own.host.runSchedule("sweep");
    expect(await query("select from rate_bucket where id like 'login-pair:%'")).toEqual([]);
  });
});

test("guesses at accounts that nobody has make rows in a fixed number of cells, and a refused one makes none", async () => {
  const guess = (at: number, from: string) =>
    call("POST", `${own.host.url}/v1/auth/login`, {
      body: { tenant: from, email: `nobody${at}@guess.test`, password: "wrong horse battery" },
    });
  const rows = async () => (await query("select id from rate_bucket where id like 'login-%'")).length;
  const statuses: number[] = [];
  for (let at = 0; at < 120; at += 1) {
    await query("update platform.bucket set tokens = 600, refilled_at = now()"); // the door is another limit
    statuses.push((await guess(at, "no-such-shop")).status);
  }
  const granted = statuses.filter((status) => status === 401).length;
  expect(granted).toBeGreaterThanOrEqual(60);
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(0);
  expect(await rows()).toBeLessThanOrEqual(1 + 2 * granted + 3);
  const [cells] = await query(
    "select count(*)::int as count, max(id) as id from rate_bucket where id like 'login-account:%'",
  );
  expect(Number(cells?.count)).toBeLessThanOrEqual(1_024);
});
