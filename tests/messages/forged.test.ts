import { beforeAll, expect, test } from "vitest";
import { newTypeId } from "../../drizzle/typeid.js";
import { newProduct, type Tenant } from "../support/client.js";
import { buy, counted, deadLetters, envelope, noDeadLetters, ownSystem, settle, tenantsOf } from "./system.js";

const own = ownSystem();
let mine: Tenant;
let theirs: Tenant;
let event: { id: string; type: string };
let job: { id: string; name: string };

/** Every row of every table that carries a tenant, as one number; buckets of the rate limit apart. */
async function fingerprint(): Promise<string> {
  const tables = await own.host.admin.query(
    `select c.relname as name from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
      where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and c.relname <> 'rate_bucket' order by 1`,
  );
  const sums = tables.map(
    ({ name }) => `select '${name}' as name, md5(string_agg(t::text, '|' order by t::text)) from "${name}" t`,
  );
  return JSON.stringify(await own.host.admin.query(sums.join(" union all ")));
}

beforeAll(async () => {
  [mine, theirs] = (await tenantsOf(own.host, 2)) as [Tenant, Tenant];
  for (const tenant of [mine, theirs]) await buy(tenant, (await newProduct(tenant, { stock: 3 })).variantId);
  await settle(own.host);
  [event] = (await theirs.get("/v1/admin/events?type=order.placed")).data;
  [job] = (await theirs.get("/v1/admin/jobs")).data.filter((each: { name: string }) => each.name.startsWith("order"));
});

/** Puts forged messages on a queue, and answers when they are gone. */
async function forge(queue: "events" | "jobs", pointers: object[]): Promise<number> {
  const before = counted(own.host, "MessagesDiscarded", { reason: "tenant_mismatch" });
  for (const pointer of pointers) {
    own.host.endpoints.sqs?.send(queue, queue === "events" ? envelope(pointer) : JSON.stringify(pointer));
  }
  await settle(own.host);
  return counted(own.host, "MessagesDiscarded", { reason: "tenant_mismatch" }) - before;
}

test("an event is handled for its own tenant only, whatever the message says", async () => {
  const before = await fingerprint();
  const forged = [
    { tenantId: mine.id, id: event.id, type: event.type }, // theirs under my name
    { tenantId: mine.id, id: newTypeId("evt"), type: "order.placed" }, // never happened
    { tenantId: newTypeId("ten"), id: event.id, type: event.type }, // of a tenant that is not there
    { tenantId: theirs.id, id: event.id, type: "product.created" }, // theirs, as something else
    {
      tenantId: mine.id,
      id: event.id,
      type: event.type,
      data: { orderId: newTypeId("ord") },
      actor: { type: "system" },
    },
  ];
  expect(await forge("events", forged)).toBe(forged.length);
  expect(await fingerprint()).toBe(before);
  expect(deadLetters(own.host)).toEqual(noDeadLetters);
});

test("an event whose effects were undone is not done again for another tenant", async () => {
  const { admin } = own.host;
  const uuid = `(select tenant_id from tenant where slug = $1)`;
  await admin.query(`delete from inbox where tenant_id = ${uuid}`, [theirs.slug]);
  const before = await fingerprint();
  expect(await forge("events", [{ tenantId: mine.id, id: event.id, type: event.type }])).toBe(1);
  expect(await fingerprint()).toBe(before);
});

test("a job is done for its own tenant only", async () => {
  const { admin, mailbox } = own.host;
  await admin.query(`update job set status = 'queued', due_at = now() + interval '1 day', attempts = 0`);
  const [before, mails] = [await fingerprint(), mailbox.list().length];
  const forged = [
    { tenantId: mine.id, id: job.id, type: job.name },
    { tenantId: mine.id, id: newTypeId("job"), type: job.name },
    { tenantId: newTypeId("ten"), id: job.id, type: job.name },
  ];
  expect(await forge("jobs", forged)).toBe(forged.length);
  expect(await fingerprint()).toBe(before);
  expect(mailbox.list()).toHaveLength(mails);
  expect(deadLetters(own.host)).toEqual(noDeadLetters);
});
