import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Body, newProduct, type Tenant } from "../support/client.js";
import { buy, counted, deadLetters, letPass, noDeadLetters, ownSystem, settle, tenantsOf } from "./system.js";

/** A mail provider that keeps what it took, and does as it is told before it answers. */
const taken: { messageId: string; subject: string }[] = [];
let answer: () => Promise<number>;
const provider = createServer(async (request, response) => {
  let text = "";
  for await (const chunk of request) text += chunk;
  const status = await answer();
  if (status < 300) taken.push(JSON.parse(text));
  response.writeHead(status).end();
});
await new Promise<void>((listening) => provider.listen(0, "127.0.0.1", listening));
afterAll(() => provider.close());

const own = ownSystem({ env: { MAILBOX_URL: `http://127.0.0.1:${(provider.address() as AddressInfo).port}/` } });
let tenant: Tenant;
let variantId: string;

beforeAll(async () => {
  [tenant] = (await tenantsOf(own.host, 1)) as [Tenant];
  ({ variantId } = await newProduct(tenant, { stock: 100 }));
});
beforeEach(async () => {
  answer = async () => 201;
  await settle(own.host);
  taken.length = 0;
});

/** The confirmation of this order. */
async function confirmation(order: { id: string }): Promise<Body> {
  const text = `select id::text, status, attempts, last_error as "lastError" from job where unique_key = $1`;
  return (await own.host.admin.query(text, [order.id]))[0];
}
const patience = { timeout: 15_000 };
/** The schedule stands in for a nudge that was lost. */
const relay = () => own.host.runSchedule("relay");
async function orderSeen() {
  const order = await buy(tenant, variantId);
  await relay();
  await expect.poll(() => confirmation(order), patience).toBeDefined();
  await relay();
  return order;
}

test("a provider that is down: the job is tried again with growing pauses, and done once", async () => {
  answer = async () => 503;
  const order = await orderSeen();
  await expect.poll(() => confirmation(order), patience).toMatchObject({ status: "queued", attempts: 1 });
  expect((await confirmation(order)).lastError).toBe("The mailbox answered 503.");
  await relay();
  expect(await confirmation(order)).toMatchObject({ attempts: 1 }); // not due yet
  await letPass(own.host, 1);
  await expect.poll(() => confirmation(order), patience).toMatchObject({ status: "queued", attempts: 2 });
  answer = async () => 201;
  await letPass(own.host, 1);
  await settle(own.host);
  expect(await confirmation(order)).toMatchObject({ status: "succeeded", attempts: 3, lastError: null });
  expect(taken).toHaveLength(1);
});

test("the message comes to a second worker while the first is at work: the mail goes out once", async () => {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  answer = async () => held.then(() => 201);
  const order = await orderSeen();
  await expect.poll(() => confirmation(order), patience).toMatchObject({ status: "running" });
  await own.host.clock.advance(360_000); // the queue's patience is over, the lease is not
  await expect.poll(async () => (await own.host.endpoints.depth("jobs")).inFlight, patience).toBe(0);
  release();
  await settle(own.host);
  expect(await confirmation(order)).toMatchObject({ status: "succeeded", attempts: 1 });
  expect(taken).toHaveLength(1);
});

test("a worker that dies with a job: the relay sends it again when the lease is over", async () => {
  answer = async () => sleep(3_000).then(() => 201);
  const order = await orderSeen();
  await expect.poll(() => confirmation(order), patience).toMatchObject({ status: "running", attempts: 1 });
  own.host.pools.jobs.killAll();
  answer = async () => 201;
  // Its message is lost as well: only the row knows.
  own.host.endpoints.sqs?.purge("jobs");
  await relay();
  expect(await confirmation(order)).toMatchObject({ status: "running", attempts: 1 });
  await letPass(own.host, 2);
  await settle(own.host);
  expect(await confirmation(order)).toMatchObject({ status: "succeeded", attempts: 2 });
  const [mail] = taken.filter(({ subject }) => subject.includes(String(order.number)));
  expect(mail?.messageId).toMatch(/^job_/);
});

test("a worker that dies while a refund's mail is at the provider: it is sent again with the same id", async () => {
  const order = await orderSeen();
  await settle(own.host);
  await tenant.post(`/v1/admin/orders/${order.id}/capture`, {});
  answer = async () => sleep(1_000).then(() => 201);
  await tenant.post(`/v1/admin/orders/${order.id}/refunds`, { amount: 500 });
  const mailed = async (): Promise<Body> => {
    await relay();
    const text = `select status, attempts from job where name = 'order.refund-mail' and payload ->> 'orderId' = $1`;
    return (await own.host.admin.query(text, [order.id]))[0];
  };
  await expect.poll(mailed, patience).toMatchObject({ status: "running", attempts: 1 });
  await sleep(300); // its request is at the provider, whose answer nobody gets
  own.host.pools.jobs.killAll();
  own.host.endpoints.sqs?.purge("jobs");
  const refunds = () => taken.filter(({ subject }) => subject.startsWith("Refund")).map(({ messageId }) => messageId);
  await expect.poll(refunds, patience).toHaveLength(1);
  await letPass(own.host, 2);
  await settle(own.host);
  expect(await mailed()).toMatchObject({ status: "succeeded", attempts: 2 });
  expect([refunds().length, new Set(refunds()).size]).toEqual([2, 1]);
  const { data } = await tenant.get("/v1/admin/mails");
  expect(data.filter(({ subject }: Body) => subject.startsWith("Refund")).map(({ status }: Body) => status)).toEqual([
    "sent",
  ]);
});

test("a job that every worker dies of fails after its last attempt, and is not sent for ever", async () => {
  answer = async () => 503;
  const order = await orderSeen();
  await expect.poll(() => confirmation(order), patience).toMatchObject({ status: "queued" });
  await own.host.admin.query(
    `update job set status = 'running', attempts = max_attempts, lease_until = now(), sent_at = now() - interval '1 minute'
      where unique_key = $1`,
    [order.id],
  );
  await letPass(own.host, 1);
  await settle(own.host);
  expect(await confirmation(order)).toMatchObject({ status: "failed", attempts: 8 });
  expect(counted(own.host, "JobsFailed", { job: "order.confirmation-mail" })).toBeGreaterThan(0);
  const { data } = await tenant.get("/v1/admin/jobs?status=failed");
  expect(data).toMatchObject([{ status: "failed", attempts: 8 }]);
});

test("a payload that nobody understands is given up after its attempts, and delays no other job", async () => {
  answer = async () => 503; // neither is done before the payload is broken
  const [broken, whole] = [await orderSeen(), await orderSeen()];
  // On a busy machine its second attempt may be over before the other order was seen.
  const hasFailed = async () => {
    const { status, attempts } = await confirmation(broken);
    return status === "queued" && attempts > 0;
  };
  await expect.poll(hasFailed, patience).toBe(true);
  await own.host.admin.query(`update job set payload = '{"orderId": 1}', attempts = 0 where unique_key = $1`, [
    broken.id,
  ]);
  answer = async () => 201;
  for (let attempt = 1; (await confirmation(broken)).status !== "failed"; attempt++) {
    expect(attempt).toBeLessThanOrEqual(9);
    await own.host.admin.query("update job set due_at = now() where status = 'queued'");
    await relay();
    await settle(own.host);
  }
  expect(await confirmation(broken)).toMatchObject({ status: "failed", attempts: 8 });
  expect(await confirmation(whole)).toMatchObject({ status: "succeeded" });
  expect(deadLetters(own.host)).toEqual(noDeadLetters);
});
