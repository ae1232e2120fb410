import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, inject, test } from "vitest";
import { offer, pay, subscriptionOf } from "../billing/account.js";
import { tenantUuid } from "../race/race.js";
import { type Body, Caller, eventually, newMember, newTenants, password, type Tenant } from "../support/client.js";
import { administrator } from "../support/database.js";
import { walk } from "../support/list.js";
import { faults, outcome, tally } from "../support/outcome.js";
import { StripeSide } from "../support/stripe.js";

/** What a tenant's owner does with its own bill; time that passes, and what gets lost on its way, is in tests/billing. */

const admin = administrator();
const growth = { plan: "growth", interval: "month" };
let stripe: StripeSide;
let mine: Tenant;
let theirs: Tenant;

beforeAll(async () => {
  stripe = new StripeSide(inject("system").stripeUrl);
  [mine, theirs] = (await newTenants(2)) as [Tenant, Tenant];
});

const send = (path: string, body?: object, caller: Caller = mine.owner) =>
  caller.call("POST", `/v1/billing/${path}`, { body, headers: { "idempotency-key": randomUUID() } });
const writes: [path: string, body?: object][] = [
  ["checkout", offer("growth")],
  ["portal", { returnUrl: "https://shop.example.com/bills" }],
  ["preview", growth],
  ["change", growth],
  ["cancel"],
  ["resume"],
];
const when = (ready: (subscription: Body) => boolean) =>
  eventually(async () => {
    const subscription = await subscriptionOf(mine);
    return ready(subscription) && subscription;
  }, 20_000);
/** Makes something happen at Stripe to the subscription, or to its customer. */
async function act(action: string, by: "subscription" | "customer" = "subscription") {
  const { rows } = await admin.query("select subscription, customer from subscription where tenant_id = $1", [
    tenantUuid(mine),
  ]);
  await stripe.act(action, { [by]: rows[0][by] });
}

test("plans are for anybody to read", async () => {
  const { data } = await new Caller(mine.url, undefined).get("/v1/billing/plans");
  expect(data.map(({ code }: Body) => code)).toEqual(["starter", "growth", "scale"]);
  for (const { prices, limits } of data) {
    expect(prices.year.amount).toBeLessThan(12 * prices.month.amount);
    expect(limits.requestsPerSecond).toBeGreaterThan(0);
  }
});

test("who has not subscribed has a trial, no invoices, and no plan to change", async () => {
  expect(await subscriptionOf(theirs)).toMatchObject({
    plan: "trial",
    status: "trial",
    access: "full",
    interval: null,
    subscriptionStatus: null,
    owedSince: null,
  });
  expect(await theirs.owner.get("/v1/billing/invoices")).toEqual({ data: [], nextCursor: null });
  const answers = await Promise.all(writes.slice(2).map(([path, body]) => send(path, body, theirs.owner)));
  expect(tally(answers)).toEqual({ "409 billing.not_subscribed": 4 });
});

test("a request must fit: a plan that is sold, an interval, addresses to come back to", async () => {
  const keyless = await mine.owner.call("POST", "/v1/billing/change", { body: growth });
  expect(outcome(keyless)).toBe("400 idempotency_key_required");
  expect([
    faults(await send("checkout", { ...offer("growth"), plan: "trial" })),
    faults(await send("checkout", { ...offer("growth"), successUrl: "javascript:alert(1)" })),
    faults(await send("portal", {})),
    faults(await send("preview", { plan: "growth" })),
    faults(await send("change", { ...growth, interval: "week" })),
    outcome(await send("change", { ...growth, prorationDate: "today" })),
  ]).toEqual([
    "422 invalid_request /plan",
    "422 invalid_request /successUrl",
    "422 invalid_request /returnUrl",
    "422 invalid_request /interval",
    "422 invalid_request /interval",
    "422 invalid_request",
  ]);
});

test("owners pay, administrators look, others see nothing", async () => {
  const [administratorOf, member] = [await newMember(mine, "ADMIN"), await newMember(mine, "MEMBER")];
  const reads = ["subscription", "invoices", "usage"];
  const read = (caller: Caller) => Promise.all(reads.map((path) => caller.call("GET", `/v1/billing/${path}`)));
  expect(tally(await read(administratorOf))).toEqual({ "200": 3 });
  expect(tally(await read(member))).toEqual({ "403 forbidden": 3 });
  const written = await Promise.all(writes.map(([path, body]) => send(path, body, administratorOf)));
  expect(tally(written)).toEqual({ "403 forbidden": 6 });
});

test("test mode is never billed", async () => {
  const visitor = new Caller(mine.url, undefined);
  const login = { tenant: `${mine.slug}-test`, email: mine.ownerEmail, password };
  const { accessToken } = await eventually(async () => {
    const { status, body } = await visitor.call("POST", "/v1/auth/login", { body: login });
    return status === 200 && body;
  });
  const twin = new Caller(mine.url, accessToken);
  const answers = await Promise.all(writes.map(([path, body]) => send(path, body, twin)));
  expect(tally([...answers, await twin.call("GET", "/v1/billing/invoices")])).toEqual({ "409 billing.test_mode": 7 });
  expect(await twin.get("/v1/billing/subscription")).toMatchObject({ plan: "sandbox", nextStep: null });
});

describe("a subscription", () => {
  test("is bought on Stripe's page, in the trial", async () => {
    const { status, body } = await send("checkout", offer("starter"));
    expect(status).toBe(200);
    await pay(body.url);
    expect(await when(({ subscriptionStatus }) => subscriptionStatus === "trialing")).toMatchObject({
      plan: "starter",
      interval: "month",
      status: "trial",
    });
    expect(outcome(await send("checkout", offer("growth")))).toBe("409 billing.subscribed");
    expect((await send("portal", { returnUrl: "https://shop.example.com/bills" })).body.url).toMatch(/^http/);
  });

  test("becomes active, and changes for what its preview said", async () => {
    await act("end_trial");
    await when(({ status }) => status === "active");
    const preview = (await send("preview", growth)).body;
    expect(preview).toMatchObject({ ...growth, amountDue: { currency: "EUR" } });
    expect((await send("change", { ...growth, prorationDate: preview.prorationDate })).body.plan).toBe("growth");
    await when(({ plan }) => plan === "growth");
    const invoices = await walk(mine.owner, "/v1/billing/invoices");
    expect(invoices[0]).toMatchObject({ status: "paid", total: preview.total });
    expect(invoices).toEqual((await mine.owner.get("/v1/billing/invoices?limit=100")).data);
    expect((await theirs.owner.get("/v1/billing/invoices")).data).toEqual([]);
  });

  test("does not change when the card is declined, nor while a payment is owed", async () => {
    await act("fail_renewals", "customer");
    const declined = await send("change", { plan: "scale", interval: "month" });
    expect([outcome(declined), declined.body.reason]).toEqual(["409 billing.payment_declined", "generic_decline"]);
    await act("make_past_due");
    expect(await when(({ status }) => status === "past_due")).toMatchObject({ plan: "growth", access: "full" });
    const owed = await send("change", { plan: "scale", interval: "month" });
    expect(outcome(owed)).toBe("409 billing.payment_owed");
    await act("succeed_renewals", "customer");
    const [open] = (await mine.owner.get("/v1/billing/invoices")).data;
    await pay(open.url);
    await when(({ status }) => status === "active");
  });

  test("is cancelled at the end of its period, and resumed until then", async () => {
    const agreed = (await send("cancel")).body;
    expect(agreed.cancelAt).toBe(agreed.currentPeriodEnd);
    expect(await when(({ cancelAt }) => cancelAt !== null)).toMatchObject({ status: "active", access: "full" });
    expect((await send("resume")).body.cancelAt).toBeNull();
    await when(({ cancelAt }) => cancelAt === null);
  });
});
