import { expect, test } from "vitest";
import { bridged } from "./bridged.js";

const { own, pool, sql } = bridged();

test("an interactive transaction is one session, and is undone by rollback", async () => {
  const client = await pool().connect();
  await client.query("begin");
  await client.query("insert into product values ($1, $2)", [1, "mug"]);
  expect((await sql("select count(*)::int as count from product")).rows).toEqual([{ count: 0 }]);
  await client.query("rollback");
  expect((await client.query("select * from product")).rows).toEqual([]);
  client.release();
});

test("two sessions are independent: locks of one are seen by the other", async () => {
  await sql("insert into product values (1, 'mug'), (2, 'cup')");
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

test("values arrive as their types", async () => {
  const text =
    "select $1::int as i, $2::bigint as b, true as t, $3::timestamptz as d, $4::jsonb as j, $5::bytea as x, null as n, array[1,2] as a";
  const params = [1, "9007199254740993", new Date(0), { a: [1] }, Buffer.from([0, 255])];
  const { rows, fields } = await pool().query(text, params);
  const x = Buffer.from([0, 255]);
  expect(rows).toEqual([
    { i: 1, b: "9007199254740993", t: true, d: new Date(0), j: { a: [1] }, x, n: null, a: [1, 2] },
  ]);
  expect(fields.map(({ dataTypeID }) => dataTypeID)).toEqual([23, 20, 16, 1184, 3802, 17, 25, 1007]);
});

test("an error keeps its code and constraint", async () => {
  await sql("insert into product values (1, 'mug')");
  await expect(pool().query("insert into product values (2, 'mug')")).rejects.toMatchObject({
    code: "23505",
    constraint: "product_name_taken",
    table: "product",
    severity: "ERROR",
    detail: "Key (name)=(mug) already exists.",
  });
});

test("a wrong password is refused", async () => {
  const wrong = pool(1, own.url.replace(/:[^:@]+@/, ":wrong@"));
  await expect(wrong.query("select 1")).rejects.toMatchObject({ code: "28P01" });
});
