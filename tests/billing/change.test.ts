import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { plans } from "../../core/entitlement/plan.js";
import { ownSystem, settle, tenantsOf } from "../messages/system.js";
import type { Body, Tenant } from "../support/client.js";
import { outcome } from "../support/outcome.js";
import {
  eventsOf,
  follow,
  letDaysPass,
  live,
  rowOf,
  standingOf,
  stripeOf,
  subscribe,
  subscribeLate,
  subscriptionOf,
} from "./account.js";

const own = ownSystem({ schedules: false });
let paying: Tenant;
let trying: Tenant;
let neither: Tenant;

beforeAll(async () => {
  [paying, trying, neither] = (await tenantsOf(own.host, 3)) as [Tenant, Tenant, Tenant];
  await settle(own.host);
  await subscribeLate(own.host, paying, "starter");
  await subscribe(own.host, trying, "growth");
  // Some of the month that was paid is used, by Stripe's clock.
  await own.host.clock.advance(10 * 86_400_000);
  await follow(own.host);
}, 120_000);

const row = (tenant: Tenant) => rowOf(own.host, tenant);
const growth = { plan: "growth", interval: "month" };
const hold = (on: boolean) => Object.assign(stripeOf(own.host).chaos.webhooks, { hold: on });
const invoices = async (tenant: Tenant): Promise<Body[]> => (await tenant.owner.get("/v1/billing/invoices")).data;
const send = (tenant: Tenant, path: string, body?: unknown) =>
  tenant.owner.call("POST", `/v1/billing/${path}`, { body, headers: { "idempotency-key": randomUUID() } });

describe("a change of plan", () => {
  test("costs what its preview said, to the cent, and nothing of ours moves before the webhook", async () => {
    const preview = await paying.owner.post("/v1/billing/preview", growth);
    expect(preview.lines).toHaveLength(2);
    expect(preview.lines[0].amount.amount).toBeLessThan(0);
    const sum = preview.lines.reduce((total: number, line: Body) => total + line.amount.amount, 0);
    const difference = plans.growth.prices.month.amount - plans.starter.prices.month.amount;
    expect(preview.amountDue).toEqual({ amount: sum, currency: "EUR" });
    expect(sum).toBeGreaterThan(difference / 2);
    expect(sum).toBeLessThan(difference);

    const before = await row(paying);
    hold(true);
    const { prorationDate } = preview;
    const changed = await paying.owner.post("/v1/billing/change", { ...growth, prorationDate });
    expect(changed).toMatchObject({ ...growth, status: "active" });
    await settle(own.host);
    expect(await row(paying)).toEqual(before);
    const [invoice] = await invoices(paying);
    expect(invoice).toMatchObject({ status: "paid", total: preview.total, amountDue: preview.amountDue });
    stripeOf(own.host).release();
    hold(false);
    await follow(own.host);
    expect(await row(paying)).toMatchObject({
      plan: "growth",
      tenantPlan: "growth",
      status: "active",
      requestRate: plans.growth.requestsPerSecond,
    });
  });

  test("downwards keeps the difference for the next invoices", async () => {
    const preview = await paying.owner.post("/v1/billing/preview", { plan: "starter", interval: "month" });
    expect([preview.total.amount < 0, preview.amountDue.amount]).toEqual([true, 0]);
    await paying.owner.post("/v1/billing/change", {
      plan: "starter",
      interval: "month",
      prorationDate: preview.prorationDate,
    });
    await follow(own.host);
    expect((await row(paying)).plan).toBe("starter");
    const [invoice] = await invoices(paying);
    expect(invoice).toMatchObject({ status: "paid", total: preview.total });
    const kept = stripeOf(own.host).objects("customer", null);
    const { customer } = await row(paying);
    expect(kept.find(({ id }) => id === customer)).toMatchObject({ balance: preview.total.amount });
  });

  test("to what it is already changes nothing and costs nothing", async () => {
    const count = (await invoices(paying)).length;
    expect(await paying.owner.post("/v1/billing/change", { plan: "starter", interval: "month" })).toMatchObject({
      plan: "starter",
    });
    expect(await invoices(paying)).toHaveLength(count);
  });

  test("whose payment is declined does not take place", async () => {
    const { customer } = await row(paying);
    stripeOf(own.host).act("fail_renewals", { customer });
    const [before, count] = [await row(paying), (await invoices(paying)).length];
    const answer = await send(paying, "change", { plan: "scale", interval: "month" });
    expect([outcome(answer), answer.body.reason]).toEqual(["409 billing.payment_declined", "generic_decline"]);
    await follow(own.host);
    expect(await row(paying)).toEqual(before);
    expect(await invoices(paying)).toHaveLength(count);
    stripeOf(own.host).act("succeed_renewals", { customer });
    await follow(own.host);
  });

  test("whose answer is lost happens once", async () => {
    const path = "/v1/subscriptions/*";
    stripeOf(own.host).chaos.faults = [{ kind: "cut_after", method: "POST", path, next: 1 }];
    const count = (await invoices(paying)).length;
    const headers = { "idempotency-key": randomUUID() };
    const body = { plan: "growth", interval: "year" };
    const ask = () => paying.owner.call("POST", "/v1/billing/change", { body, headers });
    const [first, second] = [await ask(), await ask()];
    expect([first.status, second.body]).toEqual([200, first.body]);
    await follow(own.host);
    expect(await row(paying)).toMatchObject({ plan: "growth", interval: "year" });
    expect(await invoices(paying)).toHaveLength(count + 1);
  });

  test("that Stripe does not answer is not known to have happened: the same key asks again", async () => {
    stripeOf(own.host).chaos.faults = [{ kind: "error_before", method: "POST", path: "/v1/subscriptions/*", next: 1 }];
    const answer = await send(paying, "change", { plan: "scale", interval: "year" });
    expect([outcome(answer), answer.headers.get("retry-after")]).toEqual(["503 billing.provider_unreachable", "2"]);
    expect(await row(paying)).toMatchObject({ plan: "growth", interval: "year" });
  });

  test("in the trial costs nothing now", async () => {
    await trying.owner.post("/v1/billing/change", { plan: "scale", interval: "month" });
    await follow(own.host);
    expect(await row(trying)).toMatchObject({
      plan: "scale",
      tenantPlan: "scale",
      subscriptionStatus: "trialing",
      status: "trial",
    });
    expect((await invoices(trying)).map(({ total }) => total.amount)).toEqual([0]);
  });

  test("is for those who have a plan, and pay for it", async () => {
    const none = await Promise.all(
      ["preview", "change", "cancel", "resume"].map((path) =>
        send(neither, path, path === "preview" || path === "change" ? growth : undefined),
      ),
    );
    expect(none.map(outcome)).toEqual(Array(4).fill("409 billing.not_subscribed"));
    const missing = await paying.owner.call("POST", "/v1/billing/change", { body: growth });
    expect(outcome(missing)).toBe("400 idempotency_key_required");
    const wrong = await send(paying, "change", { plan: "trial", interval: "month" });
    expect(outcome(wrong)).toBe("422 invalid_request");
  });
});

describe("a cancellation", () => {
  test("comes into effect when what is paid is over, and can be taken back until then", async () => {
    const before = await row(paying);
    hold(true);
    const agreed = await paying.owner.post("/v1/billing/cancel");
    expect(agreed.cancelAt).toBe(agreed.currentPeriodEnd);
    await settle(own.host);
    expect(await row(paying)).toEqual(before);
    stripeOf(own.host).release();
    hold(false);
    await follow(own.host);
    expect(await subscriptionOf(paying)).toMatchObject({ status: "active", access: "full", cancelAt: agreed.cancelAt });
    expect(await paying.owner.post("/v1/billing/cancel")).toEqual(agreed);
    expect((await paying.owner.post("/v1/billing/resume")).cancelAt).toBeNull();
    await follow(own.host);
    expect((await subscriptionOf(paying)).cancelAt).toBeNull();
    expect((await paying.owner.post("/v1/billing/resume")).cancelAt).toBeNull();
  });

  test("that Stripe's portal made is taken back as well", async () => {
    await live(own.host, paying, "leave");
    expect((await paying.owner.post("/v1/billing/resume")).cancelAt).toBeNull();
  });

  test("ends in closing: the data stays, nobody writes, and the way back is a checkout", async () => {
    stripeOf(own.host).act("cancel_subscription", { subscription: (await row(paying)).subscription });
    await follow(own.host);
    expect(await standingOf(paying)).toBe("closing blocked");
    expect((await paying.owner.call("GET", "/v1/admin/products")).status).toBe(200);
    await subscribe(own.host, paying, "starter");
    expect(await standingOf(paying)).toBe("active full");
    // Somebody who comes back has had their trial.
    expect(await row(paying)).toMatchObject({ subscriptionStatus: "active" });
  });

  test("in the trial leaves what is left of the trial", async () => {
    stripeOf(own.host).act("cancel_subscription", { subscription: (await row(trying)).subscription });
    await follow(own.host);
    expect(await standingOf(trying)).toBe("trial full");
    await letDaysPass(own.host, trying, 15);
    await own.host.runSchedule("sweep");
    await settle(own.host);
    expect(await standingOf(trying)).toBe("closing blocked");
    expect(await eventsOf(own.host, trying, "tenant.status_changed")).toEqual([
      { from: "trial", to: "closing", access: "blocked", cause: "ended" },
    ]);
  });
});
