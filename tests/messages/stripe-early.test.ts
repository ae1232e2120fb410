import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { typeIdToUuid, uuidToTypeId } from "../../drizzle/typeid.js";
import { startPostgres } from "../../stacks/local/postgres/server.js";
import { eventually, newProduct, newTenant, type Tenant } from "../support/client.js";
import { ownHost, quiet } from "../support/host.js";
import { connectAccount, deliver, eventOf, jobsOf, stored, stripeId } from "../support/webhook.js";
import { buy } from "./system.js";

const host = ownHost(quiet);
let tenant: Tenant;
let account: string;

beforeAll(async () => {
  tenant = await newTenant({}, host().url);
  account = await connectAccount(host(), tenant.id);
}, 60_000);

const event = (more = {}) => eventOf({ account, ...more });

/** A tenant that has connected this account, in a transaction which is still open. */
async function halfConnected(early: string) {
  const { id: tenantId } = await newTenant({}, host().url);
  const client = new pg.Client(host().databases.postgres);
  await client.connect();
  onTestFinished(() => client.end());
  await client.query("begin");
  const insert =
    "insert into payment_account (tenant_id, id, provider, account, livemode) values ($1, uuidv7(), 'stripe', $2, false)";
  await client.query(insert, [typeIdToUuid("ten", tenantId), early]);
  return { tenantId, end: (how: "commit" | "rollback") => client.query(how) };
}

describe("an event that comes before we know whose it is", () => {
  test("is kept, and becomes a job with the row that says so", async () => {
    const early = stripeId("acct");
    const each = event({ account: early });
    const other = event({ account: early, livemode: true });
    const crossed = event({ account: early, type: "checkout.session.completed" });
    expect((await deliver(host(), each)).body).toEqual({ status: "quarantined" });
    await deliver(host(), other);
    await deliver(host(), crossed, "platform");
    const late = event({ account: early });
    await deliver(host(), late);
    await host().admin.query(
      "update platform.stripe_event set received_at = now() - interval '25 hours' where event_id = $1",
      [late.id],
    );
    const second = await newTenant({}, host().url);
    await connectAccount(host(), second.id, early);
    expect(await stored(host(), each.id)).toMatchObject({ state: "queued", reason: null });
    expect(await stored(host(), other.id)).toMatchObject({ reason: "unknown_account" }); // of the other mode
    expect(await stored(host(), crossed.id)).toMatchObject({ reason: "wrong_endpoint" });
    expect(await stored(host(), late.id)).toMatchObject({ reason: "unknown_account" }); // somebody has seen the alarm
    expect(await jobsOf(host(), each.id)).toMatchObject([{ tenant: typeIdToUuid("ten", second.id) }]);
    expect((await deliver(host(), each)).body).toEqual({ status: "duplicate" });
    // Sent once more from Stripe's dashboard, it is no duplicate of what was never done.
    expect((await deliver(host(), late)).body).toEqual({ status: "queued" });
  });

  test("is not put aside while the row is being committed: it waits for that", async () => {
    const early = stripeId("acct");
    const each = event({ account: early });
    const { tenantId, end } = await halfConnected(early);
    const answer = deliver(host(), each);
    await sleep(300);
    expect(await stored(host(), each.id)).toBeUndefined();
    await end("commit");
    expect((await answer).body).toEqual({ status: "queued" });
    expect(await jobsOf(host(), each.id)).toMatchObject([{ tenant: typeIdToUuid("ten", tenantId) }]);
  });

  test("is put aside when the row never comes, and refused for now when it takes too long", async () => {
    const early = stripeId("acct");
    const [first, second] = [event({ account: early }), event({ account: early })];
    const { end } = await halfConnected(early);
    const slow = await deliver(host(), first);
    expect([slow.status, slow.body.code, slow.headers.get("retry-after")]).toEqual([503, "database_busy", "1"]);
    const answer = deliver(host(), second);
    await sleep(200);
    await end("rollback");
    expect((await answer).body).toEqual({ status: "quarantined" });
    expect(await stored(host(), first.id)).toBeUndefined(); // Stripe sends it again
  });

  test("of a customer of the platform, the same", async () => {
    const customer = stripeId("cus");
    const object = { id: stripeId("sub"), object: "subscription", customer };
    const each = eventOf({ account: undefined, type: "customer.subscription.created", object });
    expect((await deliver(host(), each, "platform")).body).toEqual({ status: "quarantined" });
    const owner = typeIdToUuid("ten", tenant.id);
    const set = "on conflict (tenant_id) do update set customer = excluded.customer, livemode = excluded.livemode";
    const insert = `insert into subscription (tenant_id, customer, livemode, plan) values ($1, $2, false, 'starter') ${set}`;
    await host().admin.query(insert, [owner, customer]);
    expect(await jobsOf(host(), each.id)).toMatchObject([{ tenant: owner }]);
    await host().admin.query(insert, [owner, customer]); // nothing new in it
    expect(await jobsOf(host(), each.id)).toHaveLength(1);
  });
});

describe("housekeeping", () => {
  test("forgets events after 90 days, also those of nobody", async () => {
    const [old, oldest, young] = [event(), eventOf(), event()];
    for (const each of [old, oldest, young]) await deliver(host(), each);
    const age = "update platform.stripe_event set received_at = now() - $2::interval where event_id = $1";
    for (const { id } of [old, oldest]) await host().admin.query(age, [id, "91 days"]);
    await host().admin.query(age, [young.id, "89 days"]);
    await host().runSchedule("sweep");
    const left = await Promise.all([old, oldest, young].map(({ id }) => stored(host(), id)));
    expect(left).toEqual([undefined, undefined, expect.objectContaining({ state: "queued" })]);
    // The job remembers: an event that Stripe sends for ever is not done twice.
    expect((await deliver(host(), old)).body).toEqual({ status: "queued" });
    expect(await jobsOf(host(), old.id)).toHaveLength(1);
  });

  test("visits who has an attempt to end, an account to compare, or a step of a subscription to take", async () => {
    const due = async () =>
      (await host().admin.query("select id::text from platform.due_tenants()")).map(({ id }) =>
        uuidToTypeId("ten", String(id)),
      );
    const owner = typeIdToUuid("ten", tenant.id);
    await host().admin.query("update payment_account set reconciled_at = now()");
    await buy(tenant, (await newProduct(tenant, { stock: 1 })).variantId);
    const attempt =
      "update payment set expires_at = now() + $2::interval, closed_at = $3::timestamptz where tenant_id = $1";
    for (const [after, closed, visited] of [
      ["1 hour", null, false],
      ["-1 second", null, true],
      ["-1 second", "now", true], // its order may still wait: whoever ended the attempt may have died
    ] as const) {
      await host().admin.query(attempt, [owner, after, closed]);
      expect([after, closed, (await due()).includes(tenant.id)]).toEqual([after, closed, visited]);
    }
    await host().admin.query(attempt, [owner, "1 hour", null]);
    const compared =
      "update payment_account set reconciled_at = now() - interval '61 minutes', status = $2 where tenant_id = $1";
    for (const [status, visited] of [
      ["restricted", true],
      ["active", true],
      ["onboarding", false],
      ["deauthorized", false],
    ]) {
      await host().admin.query(compared, [owner, status]);
      expect([status, (await due()).includes(tenant.id)]).toEqual([status, visited]);
    }
    const { id } = await newTenant({}, host().url);
    const step = `insert into subscription (tenant_id, plan, next_step_at) values ($1, 'starter', $2::timestamptz)
      on conflict (tenant_id) do update set next_step_at = excluded.next_step_at`;
    for (const [when, visited] of [
      ["now", true],
      ["tomorrow", false],
    ] as const) {
      await host().admin.query(step, [typeIdToUuid("ten", id), when]);
      expect([when, (await due()).includes(id)]).toEqual([when, visited]);
    }
  });
});

test("the database is down: 503 and nothing is kept, and Stripe's next try is", async () => {
  const { dir, databases, postgresPid = 0 } = host();
  await deliver(host(), event()); // its environment has a connection that will be dead
  process.kill(postgresPid, "SIGKILL");
  await sleep(300);
  const each = event();
  const down = await deliver(host(), each);
  expect([down.status, down.body.code]).toEqual([503, "database_unavailable"]);
  expect(Number(down.headers.get("retry-after"))).toBeGreaterThan(0);
  const again = await startPostgres({ dir, port: Number(new URL(databases.postgres).port), durable: false });
  onTestFinished(() => again.stop());
  await eventually(async () => (await deliver(host(), each)).status === 200);
  expect(await stored(host(), each.id)).toMatchObject({ state: "queued" });
  expect(await jobsOf(host(), each.id)).toHaveLength(1);
});
