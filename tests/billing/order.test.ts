import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { Billing } from "../../core/billing/index.js";
import { handleStripeEvent } from "../../core/stripe/event.js";
import { parseEvent } from "../../core/stripe/webhook-event.js";
import { ownSystem, settle, tenantsOf } from "../messages/system.js";
import { tenantUuid } from "../race/race.js";
import type { Tenant } from "../support/client.js";
import { size } from "../support/size.js";
import { asSystemOf, follow, live, moves, rowOf, stripeOf, subscribeLate } from "./account.js";

/** Row 9 of the goals: whatever the order, the number and the losses of events, the end is the same. */

vi.setConfig({ testTimeout: 50_000 * size.billingRuns });
const own = ownSystem({ schedules: false });
let slow: { url: string; delays: number[]; stop(): void };

beforeAll(async () => {
  slow = await slowly(stripeOf(own.host).url);
});
afterAll(() => slow?.stop());

/** Stands before Stripe and keeps its answers back, so that what was true when it was said is not when it arrives. */
async function slowly(target: string) {
  const delays: number[] = [];
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = chunks.length > 0 ? Buffer.concat(chunks) : undefined;
    const headers = new Headers(request.headers as Record<string, string>);
    for (const name of ["host", "connection", "content-length", "transfer-encoding"]) headers.delete(name);
    const said = await fetch(target + request.url, { method: request.method ?? "GET", headers, ...(body && { body }) });
    const text = await said.text();
    await sleep(delays.shift() ?? 0);
    response.writeHead(said.status, { "content-type": "application/json" }).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, delays, stop: () => void server.close() };
}

const within = <T>(tenant: Tenant, run: () => Promise<T>) =>
  asSystemOf(own.host, tenant.id, () => {
    process.env.STRIPE_API_BASE = slow.url;
    return run();
  });
const sync = (tenant: Tenant) => within(tenant, () => Billing.sync()).catch((error: Error) => error);
const hold = (on: boolean) => Object.assign(stripeOf(own.host).chaos.webhooks, { hold: on });

/** All of the row but when it is looked at again, which is counted from the last look. */
const end = (tenant: Tenant) => rowOf(own.host, tenant);

async function newcomer(): Promise<Tenant> {
  const [tenant] = (await tenantsOf(own.host, 1)) as [Tenant];
  await settle(own.host);
  return tenant;
}

const life = fc.array(fc.constantFrom(...moves), { minLength: 3, maxLength: 7 });

describe("an answer of Stripe that comes late", () => {
  test("does not undo what was written meanwhile, not even when that was no change", async () => {
    const tenant = await newcomer();
    await subscribeLate(own.host, tenant, "starter");
    hold(true);
    await live(own.host, tenant, "cancel");
    for (const between of ["cancel", "resume"] as const) {
      await sync(tenant);
      await live(own.host, tenant, between === "resume" ? "cancel" : "resume");
      slow.delays.push(700);
      const late = sync(tenant); // hears what is true before `between`, and 700 ms later
      await sleep(350);
      await live(own.host, tenant, between);
      expect(await sync(tenant)).toBe(true);
      expect(await late).toBe(true);
      expect((await end(tenant)).cancelAt === null).toBe(between === "resume");
    }
    hold(false);
  });
});

describe("the events of a subscription's life", () => {
  test("in any order, with repetitions and losses, end where one look ends", async () => {
    const tenant = await newcomer();
    await subscribeLate(own.host, tenant, "starter");
    const before = await end(tenant);
    const known = new Set(
      stripeOf(own.host)
        .events(null)
        .map(({ id }) => id),
    );
    hold(true);
    for (const move of ["upgrade", "fail", "pay", "cancel", "resume", "renew", "yearly", "fail"] as const)
      await live(own.host, tenant, move);
    await sync(tenant);
    const wanted = await end(tenant);
    expect(wanted).toMatchObject({ status: "past_due", plan: "growth", interval: "year" });
    const events = stripeOf(own.host)
      .events(null)
      .filter(({ id }) => !known.has(id))
      .map((event) => parseEvent(Buffer.from(JSON.stringify(event)), "platform").event)
      .filter((event) => event !== null && event !== undefined);
    expect(events.length).toBeGreaterThan(15);
    const orders = fc.shuffledSubarray([...events, ...events.slice(0, 5)], { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(orders, fc.boolean(), async (order, together) => {
        await own.host.admin.query(
          `update subscription set plan = 'starter', interval = 'month', status = 'active', past_due_since = null,
              current_period_end = $2, cancel_at = null, dunning_step = 0 where tenant_id = $1`,
          [tenantUuid(tenant), before.currentPeriodEnd],
        );
        await own.host.admin.query("update tenant set plan = 'starter' where tenant_id = $1", [tenantUuid(tenant)]);
        const run = (event: (typeof events)[number]) =>
          within(tenant, () => handleStripeEvent(event, Billing.billingHandlers));
        if (together) await Promise.all(order.map(run));
        else for (const event of order) await run(event);
        expect(await end(tenant)).toEqual(wanted);
      }),
      { numRuns: size.billingRuns * 2, endOnFailure: true },
    );
    hold(false);
  });

  test("while it goes on, with answers of Stripe that are late, never leave an older state behind", async () => {
    hold(true);
    const steps = fc.array(
      fc.record({
        move: fc.constantFrom(...moves),
        delays: fc.array(fc.nat(120), { maxLength: 4 }),
        pause: fc.nat(30),
      }),
      { minLength: 3, maxLength: 7 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (given) => {
        const tenant = await newcomer();
        await live(own.host, tenant, "subscribe");
        const looks: Promise<unknown>[] = [];
        for (const { move, delays, pause } of given) {
          await live(own.host, tenant, move);
          slow.delays.splice(0, slow.delays.length, ...delays);
          looks.push(...delays.map(() => sync(tenant)));
          await sleep(pause);
        }
        looks.push(sync(tenant)); // the event of the last change
        expect((await Promise.all(looks)).filter((one) => one instanceof Error)).toEqual([]);
        const ended = await end(tenant);
        slow.delays.length = 0;
        await sync(tenant);
        expect(await end(tenant)).toEqual(ended);
      }),
      { numRuns: size.billingRuns, endOnFailure: true },
    );
    hold(false);
  });

  test("sent by Stripe in any order, three times each, leave a row that a look does not change", async () => {
    await fc.assert(
      fc.asyncProperty(life, async (given) => {
        const tenant = await newcomer();
        hold(true);
        for (const move of ["subscribe", ...given] as const) await live(own.host, tenant, move);
        stripeOf(own.host).release({ order: "shuffled", times: 3 });
        hold(false);
        await follow(own.host);
        const ended = await end(tenant);
        const changes = await own.host.admin.query(
          "select count(*)::int as count from event where tenant_id = $1 and type in ('subscription.updated', 'tenant.status_changed')",
          [tenantUuid(tenant)],
        );
        await sync(tenant);
        expect(await end(tenant)).toEqual(ended);
        // What everybody knows is no news.
        const after = await own.host.admin.query(
          "select count(*)::int as count from event where tenant_id = $1 and type in ('subscription.updated', 'tenant.status_changed')",
          [tenantUuid(tenant)],
        );
        expect(after).toEqual(changes);
      }),
      { numRuns: Math.ceil(size.billingRuns / 6), endOnFailure: true },
    );
  });
});

test("two subscriptions of one tenant are found, and somebody is told", async () => {
  const tenant = await newcomer();
  await subscribeLate(own.host, tenant, "starter");
  const { STRIPE_SECRET_KEY: key } = own.host.env("jobs");
  const { customer, subscription } = await end(tenant);
  stripeOf(own.host).act("set_card", { customer });
  const found = stripeOf(own.host)
    .objects("subscription", null)
    .find(({ id }) => id === subscription);
  const body = new URLSearchParams({
    customer: String(customer),
    "items[0][price]": `${found?.items.data[0]?.price.id}`,
  });
  const headers = { authorization: `Bearer ${key}` };
  const made = await fetch(`${stripeOf(own.host).url}/v1/subscriptions`, { method: "POST", headers, body });
  expect(made.status).toBe(200);
  await follow(own.host);
  const { data } = await tenant.owner.get("/v1/admin/incidents");
  expect(data).toMatchObject([{ kind: "billing.subscribed_twice", reference: customer, status: "open" }]);
  expect(await end(tenant)).toMatchObject({ status: "active", plan: "starter" });
});
