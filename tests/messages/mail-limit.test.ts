import { randomUUID } from "node:crypto";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { type Message, setMailer } from "../../core/kernel/mail/index.js";
import { Mails, setBrakeReport } from "../../core/mail/index.js";
import { newTypeId } from "../../drizzle/typeid.js";
import { newTenant, type Tenant } from "../support/client.js";
import { asSystem } from "../support/domain.js";
import { ownHost, quiet } from "../support/host.js";

/** Who may be written to, how often, and what a decision costs. */
const host = ownHost(quiet);
const sent: Message[] = [];
let tenant: Tenant;
let heldBack = 0;

beforeAll(async () => {
  setMailer(async (message) => void sent.push(message));
  setBrakeReport(() => {
    heldBack += 1;
  });
  tenant = await newTenant({}, host().url);
});
beforeEach(async () => {
  [sent.length, heldBack] = [0, 0];
  await host().admin.query("delete from platform.bucket where id like 'mail-%'");
});

const mailTo = (to: string): Message => ({ id: newTypeId("job"), to, subject: "Hello", text: "Hello", html: "Hello" });
function deliver(message: Message) {
  const system = { appUrl: host().databases.app, proxy: `127.0.0.1:${host().bridge.port}` };
  return asSystem(tenant.id, () => Mails.deliver(message), system);
}
const stranger = () => `${randomUUID()}@example.com`;
const setTokens = (bucket: string, tokens: number) =>
  host().admin.query(
    `insert into platform.bucket (id, tokens, granted, refilled_at) values ($1, $2, true, now())
     on conflict (id) do update set tokens = excluded.tokens, refilled_at = now()`,
    [bucket, tokens],
  );
const used = async (name: string, full: number) => {
  const [row] = await host().admin.query("select tokens from platform.bucket where id like $1 || '%'", [name]);
  return Math.round(full - Number(row?.tokens));
};

test("one address gets ten an hour, and a refused mail uses up nothing of the others'", async () => {
  const to = stranger();
  const decisions = [];
  for (let nth = 0; nth < 12; nth += 1) decisions.push(await deliver(mailTo(to)));
  expect(decisions.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => ({ status: "sent", reason: null })));
  expect(decisions.slice(10)).toEqual([1, 2].map(() => ({ status: "suppressed", reason: "recipient_limit" })));
  expect(sent).toHaveLength(10);
  expect(await used("mail-tenant:", 500)).toBe(10);
  expect(await used("mail-platform:", 50_000)).toBeLessThanOrEqual(10); // fourteen come back each second
});

test("a tenant that has sent too much writes to its members only", async () => {
  await setTokens(`mail-tenant:${tenant.id}`, 1);
  expect((await deliver(mailTo(stranger()))).status).toBe("sent");
  expect(await deliver(mailTo(stranger()))).toEqual({ status: "suppressed", reason: "tenant_limit" });
  expect((await deliver(mailTo(tenant.ownerEmail))).status).toBe("sent");
});

test("the brake of the platform holds a mail back, which goes out when its job is tried again", async () => {
  await setTokens("mail-platform:", 0);
  const message = mailTo(stranger());
  await expect(deliver(message)).rejects.toThrow("sends no more mails");
  expect([heldBack, sent.length]).toEqual([1, 0]);
  await setTokens("mail-platform:", 5);
  expect((await deliver(message)).status).toBe("sent");
  expect(await used("mail-recipient:", 10)).toBe(1);
});

test("a job that runs again keeps its decision and takes no second token; a mail costs four messages", async () => {
  const message = mailTo(stranger());
  await deliver(mailTo(stranger()));
  host().bridge.reset();
  await deliver(message);
  expect(host().bridge.counts().roundTrips).toBe(4);
  expect(await used("mail-tenant:", 500)).toBe(2);
  await deliver(message);
  expect(await used("mail-tenant:", 500)).toBe(2);
  expect(new Set(sent.slice(1).map(({ id }) => id))).toEqual(new Set([message.id]));
});
