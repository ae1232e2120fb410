import { neon } from "@neondatabase/serverless";
import { expect, onTestFinished, test } from "vitest";
import { bridged } from "./bridged.js";

const { own, pool } = bridged();

test("an interactive transaction is one session, and is undone by rollback", async () => {
  const client = await pool().connect();
  await client.query("begin");
  await client.query("insert into product values ($1, $2)", [1, "mug"]);
  const seen = await neon(own.url)`select count(*)::int as count from product`;
  expect(seen).toEqual([{ count: 0 }]);
  await client.query("rollback");
  expect((await client.query("select * from product")).rows).toEqual([]);
  client.release();
});

test("two sessions are independent: locks of one are seen by the other", async () => {
  await neon(own.url)`insert into product values (1, 'mug'), (2, 'cup')`;
  const both = pool(2);
  const [one, two] = await Promise.all([both.connect(), both.connect()]);
  await Promise.all([one.query("begin"), two.query("begin")]);
  const claim = "select id from product order by id limit 1 for update skip locked";
  expect((await one.query(claim)).rows).toEqual([{ id: 1 }]);
  expect((await two.query(claim)).rows).toEqual([{ id: 2 }]);
  const lock = "select pg_try_advisory_xact_lock(7) as got, pg_backend_pid() as pid";
  const [mine, theirs] = [(await one.query(lock)).rows[0], (await two.query(lock)).rows[0]];
  expect([mine.got, theirs.got]).toEqual([true, false]);
  expect(mine.pid).not.toBe(theirs.pid);
  await Promise.all([one.query("rollback"), two.query("rollback")]);
  one.release();
  two.release();
});

test("an HTTP batch is one transaction in one round trip, and leaves no setting behind", async () => {
  const sql = neon(own.url);
  const read = sql`select current_setting('app.tenant_id', true) as tenant`;
  const [, rows] = await sql.transaction([sql`select set_config('app.tenant_id', 'a', true)`, read], {
    readOnly: true,
  });
  expect(rows).toEqual([{ tenant: "a" }]);
  expect(own.bridge.counts()).toEqual({ roundTrips: 1, statements: 2, connections: 0, http: 1 });
  const [after] = await sql`select nullif(current_setting('app.tenant_id', true), '') as tenant`;
  expect(after).toEqual({ tenant: null });
});

test("a session-wide setting over HTTP does not reach the next request", async () => {
  const sql = neon(own.url);
  await sql`set statement_timeout = 1234`;
  for (let i = 0; i < 5; i++) expect(await sql`show statement_timeout`).toEqual([{ statement_timeout: "0" }]);
});

test("the isolation options of a batch arrive", async () => {
  const sql = neon(own.url);
  const show = sql`select current_setting('transaction_isolation') as level, current_setting('transaction_read_only') as ro`;
  const [rows] = await sql.transaction([show], { isolationLevel: "Serializable", readOnly: true, deferrable: true });
  expect(rows).toEqual([{ level: "serializable", ro: "on" }]);
  const write = sql.transaction([sql`insert into product values (1, 'mug')`], { readOnly: true });
  await expect(write).rejects.toMatchObject({ code: "25006" });
});

test("values arrive as their types over both doors", async () => {
  const text =
    "select $1::int as i, $2::bigint as b, true as t, $3::timestamptz as d, $4::jsonb as j, $5::bytea as x, null as n, array[1,2] as a";
  const params = [1, "9007199254740993", new Date(0), { a: [1] }, Buffer.from([0, 255])];
  const wanted = { i: 1, b: "9007199254740993", t: true, d: new Date(0), j: { a: [1] }, n: null, a: [1, 2] };
  const http = await neon(own.url, { fullResults: true }).query(text, params);
  const socket = await pool().query(text, params);
  expect(http.rows[0]).toMatchObject(wanted);
  expect(socket.rows[0]).toMatchObject(wanted);
  expect(Buffer.from(http.rows[0]?.x)).toEqual(Buffer.from([0, 255]));
  expect(http).toMatchObject({ command: "SELECT", rowCount: 1 });
  expect(http.fields.map(({ dataTypeID }) => dataTypeID)).toEqual([23, 20, 16, 1184, 3802, 17, 25, 1007]);
});

test.each(["http", "socket"])("an error keeps its code and constraint over %s", async (door) => {
  const sql = neon(own.url);
  await sql`insert into product values (1, 'mug')`;
  const insert = "insert into product values (2, 'mug')";
  const refused = door === "http" ? sql.query(insert) : pool().query(insert);
  await expect(refused).rejects.toMatchObject({
    code: "23505",
    constraint: "product_name_taken",
    table: "product",
    severity: "ERROR",
    detail: "Key (name)=(mug) already exists.",
  });
});

test("a failing batch leaves nothing, and names its first error", async () => {
  const sql = neon(own.url);
  const insert = (id: number) => sql`insert into product values (${id}, ${`name ${id}`})`;
  await expect(sql.transaction([insert(1), insert(1), insert(2)])).rejects.toMatchObject({ code: "23505" });
  expect(await sql`select * from product`).toEqual([]);
  expect(await sql.transaction([insert(1), sql`select id from product`])).toEqual([[], [{ id: 1 }]]);
});

test("a constraint that fails at COMMIT fails the batch", async () => {
  const sql = neon(own.url);
  await sql`create table line (product_id int references product deferrable initially deferred)`;
  onTestFinished(async () => void (await sql`drop table line`));
  await expect(sql.transaction([sql`insert into line values (404)`])).rejects.toMatchObject({ code: "23503" });
  expect(await sql`select * from line`).toEqual([]);
});

test("HTTP refuses two statements in one query, and a wrong password", async () => {
  await expect(neon(own.url).query("select 1; select 2")).rejects.toMatchObject({ code: "42601" });
  const wrong = neon(own.url.replace(/:[^:@]+@/, ":wrong@"));
  await expect(wrong`select 1`).rejects.toMatchObject({ code: "28P01" });
});
