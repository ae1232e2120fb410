import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { handleStripeEvent, type StripeEvent, type StripeHandler, stripeTypes } from "../../core/stripe/event.js";
import { parseEvent } from "../../core/stripe/webhook-event.js";
import { typeIdToUuid } from "../../drizzle/typeid.js";
import { modules } from "../../functions/modules/index.js";
import { newTenant, type Tenant } from "../support/client.js";
import { connectAccount, deliver, eventOf, jobsOf, stored } from "../support/webhook.js";
import { counted, ownSystem, settle } from "./system.js";

/** In front of the queues, for the functions: `hear` sees a nudge before they do, and may keep it. */
let hear: (() => unknown) | undefined;
const queues = createServer(async (request, response) => {
  const body = Buffer.concat(await request.toArray());
  if (hear && body.includes("/nudge") && String(request.headers["x-amz-target"]).endsWith("SendMessage"))
    if ((await hear()) === "kept") return;
  const headers = Object.entries(request.headers).filter(([name]) => !/^(host|connection|content-length)$/.test(name));
  const answer = await fetch(own.host.endpoints.sqsUrl + request.url, {
    method: "POST",
    headers: Object.fromEntries(headers) as Record<string, string>,
    body,
  });
  response.writeHead(answer.status, { "content-type": "application/x-amz-json-1.0" }).end(await answer.text());
});
await new Promise<void>((listening) => queues.listen(0, "127.0.0.1", listening));
afterAll(() => void queues.close().closeAllConnections());
const front = `http://127.0.0.1:${(queues.address() as AddressInfo).port}`;
const own = ownSystem({
  schedules: false,
  env: { AWS_ENDPOINT_URL_SQS: front, NUDGE_QUEUE_URL: `${front}/000000000000/nudge` },
});

let tenant: Tenant;
let account: string;
beforeAll(async () => {
  tenant = await newTenant({}, own.host.url);
  account = await connectAccount(own.host, tenant.id);
  await settle(own.host);
});

/** Of a payment that nobody here has made: its handler finds nothing to do. */
const event = (more = {}) => eventOf({ account, ...more });
const done = (count = 1) => Array.from({ length: count }, () => ({ status: "succeeded", attempts: 1 }));

describe("an event becomes a job", () => {
  test("of its tenant, with where to look and nothing else, under the request that brought it", async () => {
    const each = event({
      object: { payment_intent: "pi_other", customer: "cus_1", latest_charge: "ch_1", secret: "x" },
    });
    const { body, status } = await deliver(own.host, each);
    expect([status, body]).toEqual([200, { status: "queued" }]);
    const [job, ...more] = await jobsOf(own.host, each.id);
    const { id: objectId } = (each.data as { object: { id: string } }).object;
    expect(more).toEqual([]);
    expect(job).toMatchObject({
      tenant: typeIdToUuid("ten", tenant.id),
      requestId: expect.stringMatching(/^[\w-]{36}$/),
    });
    expect(job.payload).toEqual({
      id: each.id,
      type: each.type,
      endpoint: "connect",
      account,
      livemode: false,
      objectId,
      created: each.created,
      related: { paymentIntent: "pi_other", customer: "cus_1" },
    });
    await settle(own.host);
    expect(await jobsOf(own.host, each.id)).toMatchObject(done());
  });

  test("once, however often and at once it comes", async () => {
    const before = counted(own.host, "StripeEventsDuplicate");
    const each = event();
    const answers = await Promise.all(Array.from({ length: 3 }, () => deliver(own.host, each)));
    const again = await deliver(own.host, each);
    expect([...answers, again].map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(answers.map(({ body }) => body.status).sort()).toEqual(["duplicate", "duplicate", "queued"]);
    expect(again.body).toEqual({ status: "duplicate" });
    await settle(own.host);
    expect(await jobsOf(own.host, each.id)).toMatchObject(done());
    await expect.poll(() => counted(own.host, "StripeEventsDuplicate") - before).toBe(3);
  });

  test("that runs a moment later, because it wakes the relay", async () => {
    const each = event();
    await deliver(own.host, each);
    await expect.poll(() => jobsOf(own.host, each.id), { timeout: 5_000 }).toMatchObject(done());
  });

  test("when the nudge is lost, the answer is the same and not late, and the schedule finds the job", async () => {
    let kept = 0;
    hear = () => {
      kept += 1;
      return "kept";
    };
    const each = event();
    const since = performance.now();
    expect((await deliver(own.host, each)).body).toEqual({ status: "queued" });
    expect(performance.now() - since).toBeLessThan(5_000);
    hear = undefined;
    expect([kept, await jobsOf(own.host, each.id)]).toMatchObject([1, [{ status: "queued" }]]);
    await own.host.runSchedule("relay");
    await settle(own.host);
    expect(await jobsOf(own.host, each.id)).toMatchObject(done());
  });
});

test("kill -9 after the event is stored and before the answer: Stripe's next try is a duplicate, and the job runs once", async () => {
  const each = event();
  own.host.pools.stripe.killAll(); // a new environment has patience for its first nudge
  hear = () => {
    hear = undefined;
    own.host.pools.stripe.killAll();
    return "kept";
  };
  const first = await deliver(own.host, each);
  expect(first.status).toBe(502); // what the URL says when the function ends without an answer
  expect(await stored(own.host, each.id)).toMatchObject({ state: "queued" });
  expect((await deliver(own.host, each)).body).toEqual({ status: "duplicate" });
  await own.host.runSchedule("relay");
  await settle(own.host);
  expect(await jobsOf(own.host, each.id)).toMatchObject(done());
});

describe("the handlers", () => {
  const happened: StripeEvent = {
    id: "evt_1",
    type: "refund.updated",
    endpoint: "connect",
    account: "acct_1",
    livemode: false,
    objectId: "re_1",
    created: 1_800_000_000,
    related: {},
  };
  const run = (handlers: readonly StripeHandler[], event = happened) => handleStripeEvent(event, handlers);

  test("run for their types of their endpoint; all of them, also when one fails", async () => {
    const seen: string[] = [];
    const handler = (
      name: string,
      endpoint: "connect" | "platform",
      type: "refund.updated" | "invoice.paid",
      fails = false,
    ) => ({
      name,
      endpoint,
      types: [type],
      run: async () => {
        seen.push(name);
        if (fails) throw new Error(`${name} failed`);
      },
    });
    const others = [handler("type", "connect", "invoice.paid"), handler("endpoint", "platform", "refund.updated")];
    const both = [handler("one", "connect", "refund.updated", true), handler("two", "connect", "refund.updated")];
    await expect(run([...others, ...both])).rejects.toThrow("one failed");
    expect(seen).toEqual(["one", "two"]);
    await expect(run(others)).rejects.toThrow("No handler for refund.updated of the connect endpoint.");
  });

  test("act on exactly the types that are stored and that the endpoints at Stripe are subscribed to", () => {
    const { id, livemode, created, objectId } = happened;
    const isStored = (type: string, endpoint: "connect" | "platform") => {
      const data = { object: { id: objectId, object: "refund" } };
      const sent = { id, object: "event", type, created, livemode, data };
      return parseEvent(Buffer.from(JSON.stringify(sent)), endpoint).event !== undefined;
    };
    const handlers = modules.flatMap(({ stripe = [] }) => stripe);
    const types = [...new Set(handlers.flatMap((handler) => handler.types))];
    for (const endpoint of ["platform", "connect"] as const) {
      const handled = handlers.filter((handler) => handler.endpoint === endpoint).flatMap((handler) => handler.types);
      expect(types.filter((type) => isStored(type, endpoint)).sort()).toEqual([...new Set(handled)].sort());
      expect(stripeTypes(endpoint).sort()).toEqual([...new Set(handled)].sort());
    }
  });
});
