import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { neon, neonConfig, Pool } from "@neondatabase/serverless";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import ws from "ws";
import { type Bridge, startBridge } from "../../stacks/local/bridge.js";
import { type Postgres, startPostgres } from "../../stacks/local/postgres.js";
import { readMessages } from "../../stacks/local/wire.js";

const product = "create table product (id int primary key, name text constraint product_name_taken unique, data bytea)";

async function folder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "stoa-database-"));
}

describe("the bridge, with Neon's driver", () => {
  let dir: string;
  let postgres: Postgres;
  let bridge: Bridge;
  let url: string;

  function pool(max = 1): Pool {
    const made = new Pool({ connectionString: url, max });
    onTestFinished(() => made.end());
    return made;
  }

  beforeAll(async () => {
    dir = await folder();
    postgres = await startPostgres({ dir, durable: false });
    bridge = await startBridge({ postgresPort: postgres.port });
    neonConfig.webSocketConstructor = ws;
    neonConfig.wsProxy = () => `127.0.0.1:${bridge.port}/v2`;
    neonConfig.fetchEndpoint = () => `http://127.0.0.1:${bridge.port}/sql`;
    neonConfig.useSecureWebSocket = false;
    neonConfig.pipelineConnect = false;
    neonConfig.pipelineTLS = false;
    url = postgres.adminUrl;
    await neon(url).query(product);
  });

  afterAll(async () => {
    await bridge.stop();
    await postgres.stop();
    await rm(dir, { recursive: true, force: true });
  });

  beforeEach(async () => {
    await neon(url).query("delete from product");
    bridge.reset();
  });

  test("an interactive transaction is one session, and is undone by rollback", async () => {
    const client = await pool().connect();
    await client.query("begin");
    await client.query("insert into product values ($1, $2)", [1, "mug"]);
    const seen = await neon(url)`select count(*)::int as count from product`;
    expect(seen).toEqual([{ count: 0 }]);
    await client.query("rollback");
    expect((await client.query("select * from product")).rows).toEqual([]);
    client.release();
  });

  test("two sessions are independent: locks of one are seen by the other", async () => {
    await neon(url)`insert into product values (1, 'mug'), (2, 'cup')`;
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
    const sql = neon(url);
    const read = sql`select current_setting('app.tenant_id', true) as tenant`;
    const [, rows] = await sql.transaction([sql`select set_config('app.tenant_id', 'a', true)`, read], {
      readOnly: true,
    });
    expect(rows).toEqual([{ tenant: "a" }]);
    expect(bridge.counts()).toEqual({ roundTrips: 1, statements: 2, connections: 0, http: 1 });
    const [after] = await sql`select nullif(current_setting('app.tenant_id', true), '') as tenant`;
    expect(after).toEqual({ tenant: null });
  });

  test("a session-wide setting over HTTP does not reach the next request", async () => {
    const sql = neon(url);
    await sql`set statement_timeout = 1234`;
    for (let i = 0; i < 5; i++) expect(await sql`show statement_timeout`).toEqual([{ statement_timeout: "0" }]);
  });

  test("the isolation options of a batch arrive", async () => {
    const sql = neon(url);
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
    const http = await neon(url, { fullResults: true }).query(text, params);
    const socket = await pool().query(text, params);
    expect(http.rows[0]).toMatchObject(wanted);
    expect(socket.rows[0]).toMatchObject(wanted);
    expect(Buffer.from(http.rows[0]?.x)).toEqual(Buffer.from([0, 255]));
    expect(http).toMatchObject({ command: "SELECT", rowCount: 1 });
    expect(http.fields.map(({ dataTypeID }) => dataTypeID)).toEqual([23, 20, 16, 1184, 3802, 17, 25, 1007]);
  });

  test.each(["http", "socket"])("an error keeps its code and constraint over %s", async (door) => {
    const sql = neon(url);
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
    const sql = neon(url);
    const insert = (id: number) => sql`insert into product values (${id}, ${`name ${id}`})`;
    await expect(sql.transaction([insert(1), insert(1), insert(2)])).rejects.toMatchObject({ code: "23505" });
    expect(await sql`select * from product`).toEqual([]);
    expect(await sql.transaction([insert(1), sql`select id from product`])).toEqual([[], [{ id: 1 }]]);
  });

  test("a constraint that fails at COMMIT fails the batch", async () => {
    const sql = neon(url);
    await sql`create table line (product_id int references product deferrable initially deferred)`;
    onTestFinished(async () => void (await sql`drop table line`));
    await expect(sql.transaction([sql`insert into line values (404)`])).rejects.toMatchObject({ code: "23503" });
    expect(await sql`select * from line`).toEqual([]);
  });

  test("HTTP refuses two statements in one query, and a wrong password", async () => {
    await expect(neon(url).query("select 1; select 2")).rejects.toMatchObject({ code: "42601" });
    const wrong = neon(url.replace(/:[^:@]+@/, ":wrong@"));
    await expect(wrong`select 1`).rejects.toMatchObject({ code: "28P01" });
  });

  test("many batches at once keep their own settings", async () => {
    const sql = neon(url);
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
    expect(bridge.counts()).toEqual({ roundTrips: 0, statements: 0, connections: 1, http: 0 });
    await client.query("begin; select set_config('app.tenant_id', 'a', true)");
    expect(bridge.counts()).toMatchObject({ roundTrips: 1, statements: 2 });
    await client.query(
      "insert into product select i, i::text, decode(repeat('ab', 20000), 'hex') from generate_series(1, $1) i",
      [50],
    );
    await client.query("select * from product");
    await client.query("");
    await client.query("commit");
    expect(bridge.counts()).toEqual({ roundTrips: 5, statements: 6, connections: 1, http: 0 });
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
    setTimeout(bridge.cut, 50);
    await refused;
    client.release(true);
    expect((await made.query("select * from product")).rows).toEqual([]);
    errors.length = 0;
    bridge.cut();
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
    await neon(url)`select pg_terminate_backend(${rows[0].pid})`;
    await waiting;
    client.release(true);
    expect((await made.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  });

  test("sessions of HTTP that the server ends do not end the process", async () => {
    const sql = neon(url);
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
    bridge.delay(60);
    onTestFinished(() => bridge.delay(0));
    for (const run of [() => client.query("select 1"), () => neon(url)`select 1`]) {
      const start = performance.now();
      await run();
      expect(performance.now() - start).toBeGreaterThan(55);
    }
    client.release();
  });

  test("what does not speak Neon's protocol is refused", async () => {
    const post = (body: string, headers = {}) =>
      fetch(`http://127.0.0.1:${bridge.port}/sql`, { method: "POST", body, headers });
    const raw = { "neon-raw-text-output": "true", "neon-connection-string": url };
    expect((await post("{", raw)).status).toBe(400);
    expect((await post('{"query":"select 1"}')).status).toBe(400);
    expect((await post('{"query":"select 1"}', { ...raw, "neon-connection-string": "nonsense" })).status).toBe(400);
    expect(
      (await post('{"queries":[]}', { ...raw, "neon-batch-isolation-level": "x; drop table product" })).status,
    ).toBe(400);
    expect((await fetch(`http://127.0.0.1:${bridge.port}/v2`)).status).toBe(404);
  });
});

test("messages are told apart whatever the chunks", () => {
  const message = (type: string, length: number) => {
    const bytes = Buffer.alloc(5 + length, "Z");
    bytes.write(type);
    bytes.writeInt32BE(4 + length, 1);
    return bytes;
  };
  const stream = Buffer.concat([message("R", 4), message("D", 300), message("C", 9), message("I", 0), message("Z", 1)]);
  for (let size = 1; size <= stream.length; size++) {
    let types = "";
    const read = readMessages((type) => (types += type));
    read(Buffer.from("N"));
    for (let at = 0; at < stream.length; at += size) read(stream.subarray(at, at + size));
    expect(types).toBe("RDCIZ");
  }
});
