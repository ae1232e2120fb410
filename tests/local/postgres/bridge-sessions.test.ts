import { neon } from "@neondatabase/serverless";
import { expect, onTestFinished, test } from "vitest";
import { bridged } from "./bridged.js";

const { own, pool } = bridged();

test("many batches at once keep their own settings", async () => {
  const sql = neon(own.url);
  const read = async (tenant: string) => {
    const set = sql`select set_config('app.tenant_id', ${tenant}, true)`;
    const [, rows] = await sql.transaction([set, sql`select current_setting('app.tenant_id') as tenant`]);
    return rows;
  };
  const tenants = Array.from({ length: 100 }, (_, i) => `tenant ${i}`);
  expect(await Promise.all(tenants.map(read))).toEqual(tenants.map((tenant) => [{ tenant }]));
  const [sessions] = await sql`select count(*)::int from pg_stat_activity where backend_type = 'client backend'`;
  expect(sessions?.count).toBeLessThanOrEqual(25);
});

test("round trips and statements of a socket are counted, login apart", async () => {
  const client = await pool().connect();
  expect(own.bridge.counts()).toEqual({ roundTrips: 0, statements: 0, connections: 1, http: 0 });
  await client.query("begin; select set_config('app.tenant_id', 'a', true)");
  expect(own.bridge.counts()).toMatchObject({ roundTrips: 1, statements: 2 });
  await client.query(
    "insert into product select i, i::text, decode(repeat('ab', 20000), 'hex') from generate_series(1, $1) i",
    [50],
  );
  await client.query("select * from product");
  await client.query("");
  await client.query("commit");
  expect(own.bridge.counts()).toEqual({ roundTrips: 5, statements: 6, connections: 1, http: 0 });
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
  await neon(own.url)`select pg_terminate_backend(${rows[0].pid})`;
  await waiting;
  client.release(true);
  expect((await made.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
});

test("sessions of HTTP that the server ends do not end the process", async () => {
  const sql = neon(own.url);
  const ended = sql`select pg_sleep(11)`.catch((error: unknown) => error);
  await expect
    .poll(
      async () => sql`select pg_terminate_backend(pid) from pg_stat_activity where query like 'select pg_sleep(11)%'`,
    )
    .toHaveLength(1);
  expect(await ended).toMatchObject({ code: "57P01" });
  await pool().query(
    "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and state = 'idle'",
  );
  await expect.poll(() => sql`select 1 as one`.catch(() => [])).toEqual([{ one: 1 }]);
});

test("a delay holds back each round trip over both doors", async () => {
  const client = await pool().connect();
  own.bridge.delay(60);
  onTestFinished(() => own.bridge.delay(0));
  for (const run of [() => client.query("select 1"), () => neon(own.url)`select 1`]) {
    const start = performance.now();
    await run();
    expect(performance.now() - start).toBeGreaterThan(55);
  }
  client.release();
});

test("what does not speak Neon's protocol is refused", async () => {
  const post = (body: string, headers = {}) =>
    fetch(`http://127.0.0.1:${own.bridge.port}/sql`, { method: "POST", body, headers });
  const raw = { "neon-raw-text-output": "true", "neon-connection-string": own.url };
  expect((await post("{", raw)).status).toBe(400);
  expect((await post('{"query":"select 1"}')).status).toBe(400);
  expect((await post('{"query":"select 1"}', { ...raw, "neon-connection-string": "nonsense" })).status).toBe(400);
  expect((await post('{"queries":[]}', { ...raw, "neon-batch-isolation-level": "x; drop table product" })).status).toBe(
    400,
  );
  expect((await fetch(`http://127.0.0.1:${own.bridge.port}/v2`)).status).toBe(404);
});
