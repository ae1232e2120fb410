import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DrizzleQueryError } from "drizzle-orm/errors";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { typeIdToUuid } from "../drizzle/typeid.js";
import { reasonOf } from "../functions/log.js";
import { type Answer, type Body, Caller, Cart, call, eventually, newProduct, unique } from "./support/client.js";
import { administrator } from "./support/database.js";

const { url, dir } = inject("system");
const database = administrator();
const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/** What must never stand in a log: everything here is said to the API, or by it, in what follows. */
const tag = unique("");
const person = {
  email: `zenobia.${tag}@mail.example`,
  shippingAddress: {
    name: `Zenobia ${tag}`,
    line1: `Quellenweg ${tag}`,
    city: `Xanten-${tag}`,
    postalCode: "46509",
    country: "DE",
    phone: "+49 2801 7654321",
  },
};
const owner = { email: `owner.${tag}@mail.example`, password: `Open sesame ${tag}`, name: `Olga ${tag}` };
/** The answers to proofs of identity that are wrong. */
const refused: Answer[] = [];
const wrongPassword = `Open barley ${tag}`;
const secrets: string[] = [
  ...[person.email, owner.email, owner.password, owner.name, wrongPassword],
  ...[person.shippingAddress.name, person.shippingAddress.line1, person.shippingAddress.city, "7654321"],
];

const slug = unique();
let tenantId: string;
let staff: Caller;
let cart: Cart;
let placed: Answer;
let failed: Answer;

type Line = Record<string, Body>;
const texts = () => readFileSync(join(dir, "log.jsonl"), "utf8").split("\n").filter(Boolean);
const linesOf = (requestId: string): Line[] =>
  texts()
    .filter((text) => text.includes(requestId))
    .map((text) => JSON.parse(text));

/** Waits for a line, and wakes the relay, whose nudge may be lost on a busy machine. */
const line = (requestId: string, wanted: Line) =>
  eventually(async () => {
    const found = linesOf(requestId).find((each) =>
      Object.entries(wanted).every(([name, value]) => each[name] === value),
    );
    if (!found) await call("POST", `${url}/_local/schedules/relay`);
    return found;
  }, 20_000);
const idOf = ({ headers }: Answer) => headers.get("x-request-id") ?? "none";

/** A shop and its people, with values that occur nowhere else. */
async function openShop() {
  const visitor = new Caller(url, undefined);
  const tenant = { name: `Shop ${slug}`, slug, currency: "EUR", country: "DE" };
  const account = await visitor.post("/v1/auth/signup", { tenant, ...owner });
  tenantId = account.tenant.id;
  const login = (password: string) =>
    visitor.call("POST", "/v1/auth/login", { body: { tenant: slug, email: owner.email, password } });
  refused.push(await login(wrongPassword), await login(wrongPassword));
  const stolen = { refreshToken: `${account.refreshToken.slice(0, -4)}beef` };
  refused.push(await visitor.call("POST", "/v1/auth/refresh", { body: stolen }));
  refused.push(await new Caller(url, account.accessToken.slice(0, -4)).call("GET", "/v1/admin/orders"));
  refused.push(await new Caller(url, "sk_test_nobody").call("GET", "/v1/admin/orders"));
  const session = (await login(owner.password)).body;
  const renewed = await visitor.post("/v1/auth/refresh", { refreshToken: session.refreshToken });
  staff = new Caller(url, renewed.accessToken);
  await staff.put("/v1/admin/payment-methods", { methods: [{ provider: "manual", acceptance: "automatic" }] });
  const key = await staff.post("/v1/admin/api-keys", { kind: "publishable", name: "shop" });
  const secret = await staff.post("/v1/admin/api-keys", { kind: "secret", name: "server", scopes: ["orders:read"] });
  secrets.push(account.accessToken, account.refreshToken, session.accessToken, session.refreshToken, secret.key);
  secrets.push(renewed.accessToken, renewed.refreshToken, key.key);
  return new Caller(url, key.key);
}

/** A request whose statement fails in the database: the next number of an order does not fit its column. */
async function fail(victim: Cart): Promise<Answer> {
  const counter = [typeIdToUuid("ten", tenantId)];
  await database.query("insert into counter (tenant_id, name, value) values ($1, 'order', 2147483647)", counter);
  const answer = await victim.complete();
  await database.query("delete from counter where tenant_id = $1", counter);
  return answer;
}

beforeAll(async () => {
  const shop = await openShop();
  const { variantId } = await newProduct(staff, { stock: 5, name: `<script>alert("${tag}")</script> & Mug` });
  cart = await Cart.open(shop, { lines: [{ variantId, quantity: 1 }] });
  secrets.push(cart.state.token);
  const { data } = await cart.shop.get(`${cart.path}/shipping-options`);
  await cart.shop.call("PATCH", cart.path, { body: { email: `${person.email}@`, age: 7 }, headers: cart.ifMatch });
  await cart.change({ ...person, shippingOptionId: data[0].id });
  failed = await fail(cart);
  placed = await cart.shop.call("POST", `${cart.path}/complete`, {
    body: {},
    headers: { "idempotency-key": `key-${tag}`, traceparent },
  });
  expect(placed.status).toBe(200);
});

test("a refused proof of identity leaves a line with tenant, account, address and reason, and nothing in clear", async () => {
  expect(refused.map(({ status }) => status)).toEqual(Array(5).fill(401));
  const lines = await Promise.all(refused.map((answer) => line(idOf(answer), { message: "identity refused" })));
  expect(lines.map(({ reason }) => reason)).toEqual(refused.map(({ body }) => body.code));
  for (const each of lines)
    expect(each).toMatchObject({
      account: expect.stringMatching(/^[0-9a-f]{32}$/),
      from: expect.stringMatching(/^[0-9a-f]{32}$/),
      gatewayRequestId: expect.any(String),
    });
  expect(lines.slice(0, 3).map((each) => each.tenantId)).toEqual([tenantId, tenantId, tenantId]);
  expect([lines[0]?.account === lines[1]?.account, new Set(lines.map(({ account }) => account)).size]).toEqual([
    true,
    4,
  ]);
});

describe("one id from the request to its last effect", () => {
  test("request, event, subscribers, job, mail and timeline", async () => {
    const requestId = idOf(placed);
    const { id: orderId } = placed.body.order;
    await line(requestId, { message: "job succeeded" });
    const [event] = (await staff.get("/v1/admin/events?type=order.placed")).data;
    expect(event).toMatchObject({ requestId, data: { orderId } });
    const handled = linesOf(requestId).filter(({ message }) => message === "event handled");
    expect(handled.map(({ subscriber }) => subscriber).sort()).toEqual([
      "mail.order-confirmation",
      "order.ledger",
      "order.sales-counter",
    ]);
    for (const each of handled)
      expect(each).toMatchObject({ causeId: event.id, eventId: event.id, tenantId, actor: "system" });

    const done = await line(requestId, { message: "job succeeded" });
    expect(done).toMatchObject({ causeId: done.jobId, job: "order.confirmation-mail", tenantId, actor: "system" });
    const mails = (await call("GET", `${url}/_local/mail`)).body.data;
    expect(mails.filter(({ messageId }: Body) => messageId === done.jobId)).toHaveLength(1);
    const { timeline } = await staff.get(`/v1/admin/orders/${orderId}`);
    expect(timeline.map(({ type, data }: Body) => [type, data.jobId])).toContainEqual([
      "confirmation_sent",
      done.jobId,
    ]);
  });

  test("the trace of the caller goes along", async () => {
    const lines = linesOf(idOf(placed)).filter(({ message }) => message);
    expect(lines.length).toBeGreaterThanOrEqual(4);
    expect(new Set(lines.map((each) => each.traceparent))).toEqual(new Set([traceparent]));
    for (const table of ["event", "job"]) {
      const { rows } = await database.query(`select distinct traceparent from ${table} where request_id = $1`, [
        idOf(placed),
      ]);
      expect(rows).toEqual([{ traceparent }]);
    }
  });

  test("a traceparent that is none is left out", async () => {
    const answer = await staff.call("GET", "/v1/auth/me", { headers: { traceparent: `${traceparent}"evil` } });
    expect((await line(idOf(answer), { message: "request" })).traceparent).toBeUndefined();
  });

  test("each line of a request names tenant, actor and request", async () => {
    const me = await staff.call("GET", "/v1/auth/me");
    const { member } = me.body;
    await line(idOf(me), { message: "request", tenantId, actor: "member", actorId: member.id, status: 200 });
    await line(idOf(placed), { message: "request", tenantId, actor: "visitor", route: "/v1/store/carts/:id/complete" });
    const lines = texts()
      .filter((text) => text.includes(tenantId))
      .map((text): Line => JSON.parse(text))
      .filter(({ message }) => message !== "identity refused"); // whoever was refused is no actor
    expect(lines.length).toBeGreaterThan(10);
    for (const each of lines)
      expect(each).toMatchObject({ tenantId, actor: expect.any(String), requestId: expect.any(String) });
  });
});

test("a failure says what failed, and neither statement nor parameters", async () => {
  expect(failed.status).toBe(500);
  expect(failed.body).toMatchObject({ code: "internal_error", requestId: idOf(failed) });
  expect(failed.text).not.toContain("cart");
  const error = await line(idOf(failed), { message: "unexpected error", level: "ERROR" });
  expect(error).toMatchObject({ tenantId, actor: "visitor", error: { message: "A query failed.", code: "22003" } });
  expect(JSON.stringify(error)).not.toMatch(/update "|select |params|\$1/i);
});

test("what is kept of a failed job neither", () => {
  const cause = new Error("value too long");
  expect(reasonOf(new DrizzleQueryError('insert into "order"', [person.email], cause))).toBe("A query failed.");
  const ofPostgres = Object.assign(new Error(`invalid input syntax for type uuid: "${person.email}"`), {
    severity: "ERROR",
  });
  expect(reasonOf(ofPostgres)).toBe("A query failed.");
  expect(reasonOf(new Error("The rest failed.", { cause: ofPostgres }))).toBe("A query failed.");
  expect(reasonOf(new Error("The mailbox answered 503."))).toBe("The mailbox answered 503.");
});

test("no secret and no personal data in any line", async () => {
  await line(idOf(placed), { message: "job succeeded" });
  const all = texts().join("\n");
  expect(secrets.filter((secret) => secret.length < 6)).toEqual([]);
  expect(secrets.filter((secret) => all.includes(secret) || all.includes(encodeURIComponent(secret)))).toEqual([]);
});

test("metrics have no dimension that grows with tenants", async () => {
  await line(idOf(placed), { message: "job succeeded" });
  const metrics = texts()
    .filter((text) => text.includes('"CloudWatchMetrics"'))
    .map((text): Line => JSON.parse(text));
  const names = metrics.flatMap(({ _aws }) =>
    _aws.CloudWatchMetrics.flatMap(({ Metrics }: Body) => Metrics.map(({ Name }: Body) => Name)),
  );
  expect(names).toEqual(
    expect.arrayContaining(["Latency", "EventsPublished", "EventsHandled", "JobsSucceeded", "OutboxOldestAge"]),
  );
  const few = ["service", "stage", "operation", "outcome", "subscriber", "job", "reason", "sweep"];
  for (const metric of metrics) {
    const dimensions: string[] = metric._aws.CloudWatchMetrics.flatMap((each: Body) => each.Dimensions.flat());
    expect(dimensions.filter((name) => !few.includes(name))).toEqual([]);
    expect(JSON.stringify(dimensions.map((name) => metric[name]))).not.toMatch(
      /(ten|ord|crt|prd|key|usr|mem)_[0-9a-z]{26}/,
    );
  }
});

test("the confirmation has text and HTML, and what a merchant wrote stays text", async () => {
  const { jobId } = await line(idOf(placed), { message: "job succeeded" });
  const mails: Body[] = (await call("GET", `${url}/_local/mail`)).body.data;
  const mail = mails.find(({ messageId }) => messageId === jobId);
  expect(mail).toMatchObject({ to: person.email, from: expect.stringContaining("@") });
  expect(mail.subject).toBe(`Your order ${placed.body.order.number} at Shop ${slug}`);
  expect(mail.text).toContain(`<script>alert("${tag}")</script> & Mug`);
  expect(mail.text).toContain(person.shippingAddress.line1);
  expect(mail.html).toContain(`&lt;script&gt;alert(&quot;${tag}&quot;)&lt;/script&gt; &amp; Mug`);
  expect(mail.html).not.toContain("<script");
  const page = await call("GET", `${url}/_local/mail/${mail.id}`, { headers: { accept: "text/html" } });
  expect(page.text).not.toContain("<script");
  expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
});
