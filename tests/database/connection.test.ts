import { sql } from "drizzle-orm";
import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import { Client } from "../../drizzle/client.js";
import { withTenant } from "../../drizzle/tenant.js";
import { newTypeId } from "../../drizzle/typeid.js";
import { type Bridge, startBridge } from "../../stacks/local/postgres/bridge.js";

/** What a connection puts into one message, how it keeps statements, and how it gets over lost ones. */
const { adminUrl } = inject("system");
const postgresPort = Number(new URL(adminUrl).port);
let bridge: Bridge;
let client: Client;

beforeEach(async () => {
  bridge ??= await startBridge({ postgresPort });
  client ??= new Client({ url: adminUrl, proxy: `127.0.0.1:${bridge.port}` });
  await client.query((connection) => connection.send([statement("select 1 as warm")]));
  bridge.reset();
});
afterAll(async () => {
  await client.end();
  await bridge.stop();
});

const statement = (text: string, ...values: unknown[]) => ({ text, values });
const tenant = newTypeId("ten");
/** `Promise.withResolvers`, which Node 20 lacks. */
function withResolvers() {
  const made = { promise: Promise.resolve(), resolve: (): void => undefined };
  made.promise = new Promise((resolve) => {
    made.resolve = resolve;
  });
  return made;
}
const rowsOf = async (text: string, ...values: unknown[]) => {
  const [answer] = await client.query((connection) => connection.send([statement(text, ...values)]));
  return answer?.rows;
};
describe("one message", () => {
  test("statements that are asked for in one turn travel together, in order, each with its own snapshot", async () => {
    await client.query(async (connection) => {
      await connection.send([statement("create temporary table seen (n int)")]);
      bridge.reset();
      const asked = [
        connection.query(statement("insert into seen values ($1)", 1)),
        connection.query(statement("select count(*)::int as n from seen")),
        Promise.resolve().then(() => connection.query(statement("insert into seen values ($1)", 2))),
        Promise.resolve().then(() => connection.query(statement("select count(*)::int as n from seen"))),
      ];
      const [, first, , second] = await Promise.all(asked);
      expect([first?.rows, second?.rows]).toEqual([[{ n: 1 }], [{ n: 2 }]]);
      expect(bridge.counts()).toMatchObject({ roundTrips: 1, statements: 4 });
      await connection.send([statement("drop table seen")]);
    });
  });

  test("it is one transaction: a statement that fails undoes those before it and stops those after it", async () => {
    await client.query(async (connection) => {
      await connection.send([statement("create temporary table once (n int primary key)")]);
      const failing = connection.send([
        statement("insert into once values (1)"),
        statement("insert into once values (1)"),
        statement("insert into once values (2)"),
      ]);
      await expect(failing).rejects.toMatchObject({ code: "23505" });
      const [left] = await connection.send([statement("select n from once")]);
      expect(left?.rows).toEqual([]);
      await connection.send([statement("drop table once")]);
    });
  });

  test("a deferred statement costs no round trip, and its failure is told by the next one", async () => {
    await withTenant(client, tenant, async (_, __, ___, connection) => {
      bridge.reset();
      connection.defer(statement("create temporary table later (n int primary key) on commit drop"));
      connection.defer(statement("insert into later values (1)"));
      const [answer] = await connection.send([statement("select n from later")]);
      expect(answer?.rows).toEqual([{ n: 1 }]);
      expect(bridge.counts()).toMatchObject({ roundTrips: 1, statements: 3 });
    });
    const broken = withTenant(client, tenant, async (_, __, ___, connection) => {
      connection.defer(statement("select 1 / 0"));
    });
    await expect(broken).rejects.toMatchObject({ code: "22012" });
  });

  test("values arrive as they were: null, booleans, numbers, quotes, arrays, JSON, bytes", async () => {
    const rows = await rowsOf(
      "select $1::text as none, $2::bool as yes, $3::int8 as big, $4::text as quoted, $5::text[] as list, $6::jsonb as json, $7::bytea as bytes, $8::timestamptz as at",
      ...[null, true, 2n ** 53n, `O'Brien \\ "$1"`, ["a,b", 'c"d'], { a: [1, "ä"] }, Buffer.from([0, 255])],
      "2026-11-28 00:00:00.123456+00",
    );
    expect(rows).toEqual([
      {
        ...{ none: null, yes: true, big: "9007199254740992", quoted: `O'Brien \\ "$1"`, list: ["a,b", 'c"d'] },
        ...{ json: { a: [1, "ä"] }, bytes: Buffer.from([0, 255]), at: "2026-11-28 00:00:00.123456+00" },
      },
    ]);
  });
});

test("what comes after the end of a transaction is refused, and not sent in the one of the next tenant", async () => {
  let late: Promise<unknown> = Promise.resolve();
  const { promise: ended, resolve: end } = withResolvers();
  await withTenant(client, tenant, async (tx, _, __, connection) => {
    late = ended.then(() => tx.execute(sql`select 1`));
    late.catch(() => undefined);
    void ended.then(() => connection.defer(statement("select 1 / 0")));
  });
  end();
  await expect(late).rejects.toMatchObject({ cause: { message: "The transaction of this query has ended." } });
  const [answer] = await client.query((connection) => connection.send([statement("select 2 as two")]));
  expect(answer?.rows).toEqual([{ two: 2 }]);
});

describe("prepared statements", () => {
  test("a text is parsed once, however often and in however many messages it is sent", async () => {
    await client.query(async (connection) => {
      const text = `select $1::int as n /* ${newTypeId("prd")} */`;
      const count = async () => {
        const kept = statement("select count(*)::int as n from pg_prepared_statements where statement = $1", text);
        const [answer] = await connection.send([kept]);
        return answer?.rows;
      };
      for (let n = 0; n < 3; n += 1) await connection.send([statement(text, n), statement(text, n + 1)]);
      expect(await count()).toEqual([{ n: 1 }]);
      await expect(connection.send([statement(text, "no number")])).rejects.toMatchObject({ code: "22P02" });
      const [answer] = await connection.send([statement(text, 7)]);
      expect(answer?.rows).toEqual([{ n: 7 }]);
    });
  });

  test("a statement that was parsed and then failed is known", async () => {
    const text = `select 1 / $1::int as n /* ${newTypeId("prd")} */`;
    await expect(rowsOf(text, 0)).rejects.toMatchObject({ code: "22012" });
    expect(await rowsOf(text, 1)).toEqual([{ n: 1 }]);
  });

  test("the server keeps no more than 500; the one that was not used for longest is forgotten", async () => {
    const kept = "select 'kept' as text";
    for (let n = 0; n < 600; n += 1) {
      await rowsOf(`select ${n} as n`);
      if (n % 100 === 0) await rowsOf(kept);
    }
    const rows = await rowsOf("select statement from pg_prepared_statements");
    const texts = (rows as { statement: string }[]).map(({ statement: text }) => text);
    expect(texts.length).toBeLessThanOrEqual(501); // the oldest is closed by the message that comes after
    expect(texts).toContain(kept);
    expect(texts).not.toContain("select 0 as n");
  });

  test("after the pooler has lost them, a read is sent again, on a connection that knows nothing yet", async () => {
    const text = `select 'here' as text /* ${newTypeId("prd")} */`;
    expect(await rowsOf(text)).toEqual([{ text: "here" }]);
    await client.query((connection) => connection.client.query("deallocate all"));
    bridge.reset();
    expect(await rowsOf(text)).toEqual([{ text: "here" }]);
    expect(bridge.counts().connections).toBe(1);
  });

  test("in a transaction the whole is run again, also when the error was swallowed, and nothing is done twice", async () => {
    const table = `lost_${tenant.slice(-8)}`;
    await rowsOf(`create table ${table} (n int)`);
    const insert = statement(`insert into ${table} values (1)`);
    await client.query((connection) => connection.send([insert]));
    let runs = 0;
    await withTenant(client, tenant, async (_, __, ___, connection) => {
      runs += 1;
      await connection.send([statement(`insert into ${table} values (2)`)]);
      if (runs === 1) await connection.client.query("deallocate all");
      await connection.send([insert]).catch(() => undefined);
    });
    expect(runs).toBe(2);
    expect(await rowsOf(`select n from ${table} order by n`)).toEqual([{ n: 1 }, { n: 1 }, { n: 2 }]);
    await rowsOf(`drop table ${table}`);
  });

  test("a migration in the middle, which changes the type of a column, goes unnoticed", async () => {
    const table = `changed_${tenant.slice(-8)}`;
    await rowsOf(`create table ${table} (n int)`);
    await rowsOf(`insert into ${table} values (1)`);
    const select = `select n from ${table}`;
    expect(await rowsOf(select)).toEqual([{ n: 1 }]);
    const other = new Client({ url: adminUrl, proxy: `127.0.0.1:${bridge.port}` });
    const migrateTo = (type: string) =>
      other.query((connection) => connection.send([statement(`alter table ${table} alter column n type ${type}`)]));
    await migrateTo("text");
    expect(await rowsOf(select)).toEqual([{ n: "1" }]);
    await migrateTo("int using n::int");
    const seen = await withTenant(client, tenant, async (_, __, ___, connection) => {
      await connection.send([statement("select 1 as one")]);
      const [answer] = await connection.send([statement(select)]);
      return answer?.rows;
    });
    expect(seen).toEqual([{ n: 1 }]);
    await other.end();
    await rowsOf(`drop table ${table}`);
  });

  test("a connection that was cut is replaced, and no caller notices", async () => {
    bridge.cut();
    expect(await rowsOf("select 1 as one")).toEqual([{ one: 1 }]);
    bridge.cut();
    await withTenant(client, tenant, async (_, __, ___, connection) => {
      const [answer] = await connection.send([statement("select 2 as two")]);
      expect(answer?.rows).toEqual([{ two: 2 }]);
    });
  });
});
