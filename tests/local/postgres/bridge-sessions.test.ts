import { expect, onTestFinished, test } from "vitest";
import { bridged } from "./bridged.js";

const { own, pool, sql } = bridged();

test("round trips and statements of a socket are counted, login apart", async () => {
  const client = await pool().connect();
  expect(own.bridge.counts()).toEqual({ roundTrips: 0, statements: 0, connections: 1 });
  await client.query("begin; select set_config('app.tenant_id', 'a', true)");
  expect(own.bridge.counts()).toMatchObject({ roundTrips: 1, statements: 2 });
  await client.query(
    "insert into product select i, i::text, decode(repeat('ab', 20000), 'hex') from generate_series(1, $1) i",
    [50],
  );
  await client.query("select * from product");
  await client.query("");
  await client.query("commit");
  expect(own.bridge.counts()).toEqual({ roundTrips: 5, statements: 6, connections: 1 });
  client.release();
});

test("large answers arrive whole", async () => {
  const { rows } = await pool().query("select repeat('x', 1000000) as text from generate_series(1, 40)");
  expect(rows.map(({ text }) => text.length)).toEqual(Array.from({ length: 40 }, () => 1_000_000));
});

test("a cut fails what is under way, and the pool goes on with a new session", async () => {
  const made = pool();
  const errors: Error[] = [];
  made.on("error", (error: Error) => errors.push(error));
  const client = await made.connect();
  client.on("error", (error: Error) => errors.push(error));
  await client.query("begin");
  await client.query("insert into product values (1, 'mug')");
  const waiting = client.query("select pg_sleep(10)");
  const refused = expect(waiting).rejects.toThrow();
  setTimeout(own.bridge.cut, 50);
  await refused;
  client.release(true);
  expect((await made.query("select * from product")).rows).toEqual([]);
  errors.length = 0;
  own.bridge.cut();
  await expect.poll(() => errors.length).toBe(1);
  expect((await made.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});

test("a session that the server ends fails with 57P01, and the next query has a new one", async () => {
  const made = pool();
  made.on("error", () => undefined);
  const client = await made.connect();
  client.on("error", () => undefined);
  const { rows } = await client.query("select pg_backend_pid() as pid");
  const waiting = expect(client.query("select pg_sleep(10)")).rejects.toMatchObject({ code: "57P01" });
  await sql(`select pg_terminate_backend(${rows[0].pid})`);
  await waiting;
  client.release(true);
  expect((await made.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});

test("a delay holds back each round trip", async () => {
  const client = await pool().connect();
  own.bridge.delay(60);
  onTestFinished(() => own.bridge.delay(0));
  const start = performance.now();
  await client.query("select 1");
  expect(performance.now() - start).toBeGreaterThan(55);
  client.release();
});

test("the texts that were prepared are known", async () => {
  await pool().query("select $1::int as one_of_a_kind", [1]);
  expect([...own.bridge.texts()]).toContain("select $1::int as one_of_a_kind");
});

test("what does not speak Neon's protocol is refused", async () => {
  const url = `http://127.0.0.1:${own.bridge.port}`;
  const answers = await Promise.all([fetch(`${url}/v2`), fetch(`${url}/sql`, { method: "POST", body: "{}" })]);
  expect(answers.map(({ status }) => status)).toEqual([404, 404]);
});
