import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { beforeAll, expect, test } from "vitest";
import { startEnvironment } from "../../stacks/local/lambda/environment.js";
import { functions } from "../../stacks/topology.js";
import { counted, ownSystem, tenantsOf } from "./system.js";

/** Nothing is taken off the queues, and the relay runs when a test says so. */
const own = ownSystem({ consumers: false, schedules: false });
const EVENTS = 5_000;
const ROUNDS = 5;
const BATCH = 100;

/** Events of a type that nobody subscribes to, over all tenants in turn; their ids. */
async function happen(count: number, type = "test.happened"): Promise<string[]> {
  const made = await own.host.admin.query(
    `insert into event (tenant_id, id, type, data, actor, request_id)
     select (array(select tenant_id from tenant order by slug))[1 + i % 2], uuidv7(), $2, '{}', '{}', 'req_test'
       from generate_series(1, $1) as i returning id::text`,
    [count, type],
  );
  return made.map(({ id }) => String(id));
}

/** Takes everything off the queue of events: the ids of the events in it, repeated ones too. */
async function drain(): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    const messages = (await own.host.endpoints.sqs?.receive("events", { max: 10 })) ?? [];
    if (messages.length === 0) return ids;
    for (const { body, receiptHandle } of messages) {
      ids.push(JSON.parse(body).detail.id);
      own.host.endpoints.sqs?.remove("events", receiptHandle);
    }
  }
}

const unpublished = async () => (await own.host.admin.backlog()).events;
const relay = () => own.host.runSchedule("relay");

beforeAll(async () => {
  await tenantsOf(own.host, 2);
  await relay();
  await drain();
});

test("four relays at once, one of them killed in each round: nothing is lost, and at most a batch is sent twice", async () => {
  const start = () => startEnvironment({ function: "relay", ...own.host.bundles.relay, env: own.host.env("relay") });
  const survivors = Array.from({ length: 3 }, start);
  const victims = Array.from({ length: ROUNDS }, start);
  await Promise.all([...survivors, ...victims].map(({ ready }) => ready));
  const timeoutMs = functions.relay.timeout * 1000;
  for (const victim of victims) {
    await happen(EVENTS / ROUNDS);
    const runs = [victim, ...survivors].map((each) => each.invoke({}, { timeoutMs }).catch(() => undefined));
    await expect.poll(unpublished, { timeout: 10_000, interval: 1 }).toBeLessThan(EVENTS / ROUNDS);
    await sleep(Math.random() * 30);
    victim.kill(); // in the middle of its work
    await Promise.all(runs);
  }
  for (const survivor of survivors) survivor.kill();
  await relay(); // the schedule, which finds what the killed ones had claimed
  expect(await unpublished()).toBe(0);
  const sent = await drain();
  expect(new Set(sent).size).toBe(EVENTS);
  expect(sent.length - EVENTS).toBeLessThanOrEqual(ROUNDS * BATCH);
}, 60_000);

test("an event that commits late is published, although younger ones went before it", async () => {
  const slow = new pg.Client(own.host.databases.postgres);
  await slow.connect();
  await slow.query("begin");
  const { rows } = await slow.query(
    `insert into event (tenant_id, id, type, data, actor, request_id)
     select tenant_id, uuidv7(), 'test.happened', '{}', '{}', 'req_late' from tenant limit 1 returning id::text`,
  );
  const younger = await happen(3);
  await relay();
  expect(await unpublished()).toBe(0);
  await slow.query("commit");
  await slow.end();
  expect(younger.every((id) => id > rows[0].id)).toBe(true);
  await relay();
  expect(await unpublished()).toBe(0);
  expect(await drain()).toHaveLength(4);
});

test("an event that the bus refuses is tried ten times with growing pauses, and blocks nobody", async () => {
  const { admin } = own.host;
  const [poisoned] = await happen(1, ""); // an event needs a type
  await happen(20);
  const waits: number[] = [];
  for (let attempt = 1; attempt <= 10; attempt++) {
    await relay();
    const [row] = await admin.query(
      `select attempts, dead_at is not null as dead, last_error,
              extract(epoch from next_attempt_at - now())::float8 as ahead from event where id = $1`,
      [poisoned],
    );
    expect(row).toMatchObject({ attempts: attempt, dead: attempt === 10, last_error: "InvalidArgument" });
    waits.push(Number(row?.ahead));
    await relay(); // too early: it is left alone
    await admin.query("update event set next_attempt_at = now() where id = $1 and attempts = $2", [poisoned, attempt]);
  }
  expect(waits[0]).toBeLessThan(2);
  expect(waits[9]).toBeGreaterThan(200);
  expect(await drain()).toHaveLength(20);
  await relay();
  expect(await admin.query("select attempts from event where id = $1", [poisoned])).toEqual([{ attempts: 10 }]);
  expect(counted(own.host, "OutboxDead")).toBeGreaterThan(0);
  expect(counted(own.host, "PublishFailures")).toBe(10);
});

test("while the bus is out nothing is given up, and all is published when it is back", async () => {
  const { admin, endpoints } = own.host;
  await happen(120);
  Object.assign(endpoints.bus?.chaos ?? {}, { fail: 1 });
  for (let attempt = 1; attempt <= 12; attempt++) {
    await relay();
    await admin.query("update event set next_attempt_at = now() where published_at is null");
  }
  expect(await unpublished()).toBe(120);
  Object.assign(endpoints.bus?.chaos ?? {}, { fail: 0 });
  await relay();
  expect(await unpublished()).toBe(0);
  expect(new Set(await drain()).size).toBe(120); // some went out although the answer was lost: they come again
}, 60_000);
