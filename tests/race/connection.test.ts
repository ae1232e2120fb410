import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { startPostgres } from "../../stacks/local/postgres/server.js";
import { type Answer, call, eventually, newProduct, newTenant, type Tenant } from "../support/client.js";
import { ownHost, quiet } from "../support/host.js";
import { atOnce, DATABASE_WORDS, tenantUuid, violations } from "./race.js";

const host = ownHost(quiet);
let tenant: Tenant;
let variantId: string;

beforeAll(async () => {
  await host().pools.api.prewarm(4);
  tenant = await newTenant({}, host().url);
  ({ variantId } = await newProduct(tenant));
}, 60_000);

const put = (key: string) =>
  tenant.call("POST", "/v1/admin/inventory/adjustments", {
    body: { adjustments: [{ variantId, delta: 1 }], reason: "received", reference: key },
    headers: { "idempotency-key": key },
  });

const effects = async (keys: readonly string[]) => {
  const rows = await host().admin.query(
    "select reference from stock_movement where tenant_id = $1 and reference = any($2)",
    [tenantUuid(tenant), keys],
  );
  return rows.map(({ reference }) => String(reference)).sort();
};

function expectHonest(answer: Answer) {
  if (answer.status === 200) return;
  expect([answer.status, answer.body?.code, answer.headers.get("retry-after")]).toEqual([
    503,
    expect.stringMatching(/^database_(unavailable|busy)$/),
    expect.stringMatching(/^\d+$/),
  ]);
  expect(answer.text).not.toMatch(DATABASE_WORDS);
}

/** Writes from four clients while `disturb` runs; what was acknowledged is there once, and a retry makes up the rest. */
async function under(disturb: (succeeded: () => number) => Promise<unknown>) {
  const journal: { key: string; answer: Answer }[] = [];
  let over = false;
  const clients = atOnce(4, async () => {
    while (!over) {
      const key = randomUUID();
      journal.push({ key, answer: await put(key) });
    }
  });
  await disturb(() => journal.filter(({ answer }) => answer.status === 200).length).finally(() => {
    over = true;
  });
  await clients;
  for (const { answer } of journal) expectHonest(answer);
  const done = journal.filter(({ answer }) => answer.status === 200).map(({ key }) => key);
  const failed = journal.filter(({ answer }) => answer.status !== 200).map(({ key }) => key);
  expect(await effects(done)).toEqual(done.sort()); // no 2xx without its commit, none twice
  for (const key of failed) expect((await put(key)).status).toBe(200);
  expect(await effects(failed)).toEqual(failed.sort());
  return { done, failed };
}

/** Everything that a process says when it breaks, and errors that nobody expected. */
const complaints = () =>
  host()
    .logs()
    .filter(({ text }) => /unhandled|uncaught|unexpected error|Invoke Error|throw er/i.test(text))
    .map(({ text }) => text);

/** The environments live through `run`, and none says that it was surprised. */
async function unharmed<T>(run: () => Promise<T>): Promise<T> {
  const [before, said] = [host().pids("api"), complaints().length];
  const result = await run();
  expect(host().pids("api")).toEqual(expect.arrayContaining(before));
  expect(complaints().slice(said)).toEqual([]);
  expect(
    await violations({ query: async (text, values) => ({ rows: await host().admin.query(text, values) }) }, tenant),
  ).toEqual([]);
  return result;
}

const terminate = (also = "true") =>
  host().admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = 'stoa_app' and ${also}`);

describe("a connection breaks at any moment", () => {
  test.each<[string, () => unknown]>([
    ["the network cuts it", () => host().bridge.cut()],
    ["the server ends it", () => terminate()],
  ])(
    "because %s",
    async (_, strike) => {
      const { done, failed } = await unharmed(() =>
        under(async (succeeded) => {
          for (let blows = 1; blows <= 10; blows += 1) {
            await strike();
            const before = succeeded();
            await eventually(async () => succeeded() > before, 20_000); // it recovers by itself
            await sleep(Math.random() * 100);
          }
        }),
      );
      expect(done.length).toBeGreaterThanOrEqual(10);
      expect(failed.length).toBeGreaterThan(0);
    },
    60_000,
  );
});

describe("an environment is frozen", () => {
  const signal = (name: NodeJS.Signals) => {
    for (const pid of host().pids("api")) process.kill(pid, name);
  };

  test.each<[string, () => unknown]>([
    ["and thawed", () => undefined],
    ["while its connections are cut", () => host().bridge.cut()],
    ["while the server ends its sessions", () => terminate()],
  ])(
    "%s: the next request is answered in time",
    async (_, meanwhile) => {
      await unharmed(async () => {
        await atOnce(4, () => put(randomUUID())); // each environment has a connection
        signal("SIGSTOP");
        await meanwhile();
        await sleep(200);
        signal("SIGCONT");
        const started = Date.now();
        const keys = Array.from({ length: 4 }, () => randomUUID());
        const answers = await Promise.all(keys.map(put));
        expect(Date.now() - started).toBeLessThan(5_000);
        for (const answer of answers) expectHonest(answer);
        for (const key of keys) expect((await put(key)).status).toBe(200);
        expect(await effects(keys)).toEqual(keys.sort());
      });
    },
    60_000,
  );
});

/** Runs `act` while a request waits inside its transaction for a row that we hold. */
async function midway(key: string, act: () => unknown): Promise<Answer> {
  const holder = new pg.Client(host().databases.postgres);
  await holder.connect();
  try {
    await holder.query("begin");
    await holder.query("select from stock_level where tenant_id = $1 for update", [tenantUuid(tenant)]);
    const answer = put(key);
    const waits = "select from pg_stat_activity where usename = 'stoa_app' and wait_event_type = 'Lock'";
    await eventually(async () => (await host().admin.query(waits)).length > 0);
    await act();
    await holder.query("rollback");
    return await answer;
  } finally {
    await holder.end();
  }
}

describe("in the middle of a transaction", () => {
  test("the session ends: 503, no effect, and the retry with the same key has one", async () => {
    const key = randomUUID();
    const answer = await unharmed(() => midway(key, () => terminate("wait_event_type = 'Lock'")));
    expect(answer.status).toBe(503);
    expectHonest(answer);
    expect(await effects([key])).toEqual([]);
    expect((await put(key)).status).toBe(200);
    expect(await effects([key])).toEqual([key]);
  });

  test("the process is killed: the retry with the same key has one effect", async () => {
    const key = randomUUID();
    const answer = await midway(key, async () => {
      for (const { pid, busy } of host().pools.api.environments()) if (busy) process.kill(pid, "SIGKILL");
      await sleep(50);
    });
    expect(answer.status).toBe(500); // the gateway's own words: the function is gone
    const again = await eventually(async () => {
      const retried = await put(key); // until the server notices that the client died, the key is held
      return retried.status === 200 && retried;
    });
    expect(again.status).toBe(200);
    expect(await effects([key])).toEqual([key]);
  });

  test.each<[string, string, () => unknown]>([
    ["a lock is waited for in vain", "lock_timeout", () => sleep(1_500)],
    ["a statement takes too long", "statement_timeout", () => sleep(500)],
  ])("%s: 503, no effect, and the retry has one", async (_, setting, act) => {
    const limit = async (change: string) => {
      await host().admin.query(`alter role stoa_app ${change}`);
      host().bridge.cut(); // a role's settings are those of the moment of its login
    };
    const key = randomUUID();
    await limit(`set ${setting} = '200ms'`);
    const answer = await unharmed(() => midway(key, act)).finally(() =>
      limit(`set ${setting} = '${setting === "lock_timeout" ? 2 : 5}s'`),
    );
    expect([answer.status, answer.body.code]).toEqual([503, "database_busy"]);
    expectHonest(answer);
    expect(await effects([key])).toEqual([]);
    expect((await put(key)).status).toBe(200);
  });
});

test("the database is down: 503 and not 500, /ready says so, /health does not mind, and it comes back", async () => {
  const { url, dir, postgresPid = 0, databases } = host();
  const status = async (path: string) => (await call("GET", url + path)).status;
  expect([await status("/health"), await status("/ready")]).toEqual([200, 200]);
  await unharmed(async () => {
    process.kill(postgresPid, "SIGINT");
    await eventually(async () => (await status("/ready")) === 503);
    const answers = [await put("down"), await tenant.shop.call("GET", "/v1/store/products")];
    for (const answer of answers) {
      expect(answer.status).toBe(503);
      expectHonest(answer);
    }
    expect([await status("/health"), await status("/ready")]).toEqual([200, 503]);
    const port = Number(new URL(databases.postgres).port);
    const again = await startPostgres({ dir, port, durable: false });
    onTestFinished(() => again.stop());
    const started = Date.now();
    await eventually(async () => (await put("up")).status === 200);
    expect(Date.now() - started).toBeLessThan(10_000);
    expect(await status("/ready")).toBe(200);
    expect(await effects(["down", "up"])).toEqual(["up"]);
  });
}, 60_000);
