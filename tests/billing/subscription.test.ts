import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { plans } from "../../core/entitlement/plan.js";
import { ownSystem, settle, tenantsOf } from "../messages/system.js";
import { atOnce } from "../race/race.js";
import { newMember, type Tenant } from "../support/client.js";
import { outcome } from "../support/outcome.js";
import { StripeSide } from "../support/stripe.js";
import {
  eventsOf,
  follow,
  letDaysPass,
  offer,
  pay,
  rowOf,
  standingOf,
  stripeOf,
  subscribe,
  subscribeLate,
  subscriptionOf,
} from "./account.js";

const own = ownSystem({ schedules: false });
let mine: Tenant;
let theirs: Tenant;

beforeAll(async () => {
  [mine, theirs] = (await tenantsOf(own.host, 2)) as [Tenant, Tenant];
  await settle(own.host);
});
const fresh = async () => (await tenantsOf(own.host, 1))[0] as Tenant;
const row = (tenant: Tenant) => rowOf(own.host, tenant);

describe("a plan is bought on Stripe's page", () => {
  test("while the trial runs, which goes on: the first payment is due at its end", async () => {
    const { trialEndsAt } = await subscriptionOf(mine);
    await subscribe(own.host, mine, "scale", "year");
    const seconds = (text: string) => Math.floor(Date.parse(text) / 1000);
    const found = await subscriptionOf(mine);
    expect(found).toMatchObject({ plan: "scale", interval: "year", status: "trial", subscriptionStatus: "trialing" });
    expect(seconds(found.currentPeriodEnd)).toBe(seconds(trialEndsAt));
    expect((await row(mine)).requestRate).toBe(plans.scale.requestsPerSecond);
    stripeOf(own.host).act("end_trial", { subscription: (await row(mine)).subscription });
    await follow(own.host);
    expect(await standingOf(mine)).toBe("active full");
    const { data } = await mine.owner.get("/v1/billing/invoices");
    expect(data.map((one: { total: object; status: string }) => [one.status, one.total])).toEqual([
      ["paid", plans.scale.prices.year],
      ["paid", { amount: 0, currency: "EUR" }],
    ]);
    expect(await eventsOf(own.host, mine, "tenant.status_changed")).toEqual([
      { from: "trial", to: "active", access: "full", cause: "paid" },
    ]);
  });

  test("and paid at once when the trial is over", async () => {
    const late = await fresh();
    await letDaysPass(own.host, late, 30);
    await own.host.runSchedule("sweep");
    await settle(own.host);
    expect(await standingOf(late)).toBe("past_due read_only");
    await subscribe(own.host, late, "starter");
    expect(await subscriptionOf(late)).toMatchObject({
      plan: "starter",
      status: "active",
      access: "full",
      owedSince: null,
      nextStep: null,
    });
    const { data } = await late.owner.get("/v1/billing/invoices");
    expect(data).toMatchObject([{ status: "paid", amountPaid: plans.starter.prices.month }]);
  });

  test("a card that is declined buys nothing", async () => {
    const tenant = await fresh();
    await letDaysPass(own.host, tenant, 15);
    const { url } = await tenant.owner.post("/v1/billing/checkout", offer("growth"));
    expect(await pay(url, "4000 0000 0000 0002")).toBeNull();
    await follow(own.host);
    expect(await row(tenant)).toMatchObject({ subscription: null, plan: "trial" });
    expect(await pay(url)).toBe("https://shop.example.com/welcome");
    await follow(own.host);
    expect(await standingOf(tenant)).toBe("active full");
  });

  test("once: whoever has a plan is told so, and an older page closes", async () => {
    const again = await mine.owner.call("POST", "/v1/billing/checkout", { body: offer("growth") });
    expect(outcome(again)).toBe("409 billing.subscribed");
    const tenant = await fresh();
    const first = await tenant.owner.post("/v1/billing/checkout", offer("starter"));
    const second = await tenant.owner.post("/v1/billing/checkout", offer("growth"));
    await expect(pay(first.url)).rejects.toThrow("410");
    expect(await pay(second.url)).toBe("https://shop.example.com/welcome");
    await follow(own.host);
    expect(await row(tenant)).toMatchObject({ plan: "growth", subscriptionStatus: "trialing" });
  });
});

describe("the customer at Stripe", () => {
  const customersOf = ({ id }: Tenant) =>
    stripeOf(own.host)
      .objects("customer", null)
      .filter((customer) => !customer.deleted && customer.metadata.tenant === id);

  test("is one, whoever races, and whatever is lost on the way", async () => {
    const tenant = await fresh();
    stripeOf(own.host).chaos.faults = [
      { kind: "cut_after", method: "POST", path: "/v1/customers", next: 1 },
      { kind: "error_after", method: "POST", path: "/v1/checkout/sessions", next: 1 },
    ];
    const answers = await atOnce(4, () => tenant.owner.call("POST", "/v1/billing/checkout", { body: offer("growth") }));
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(3);
    expect(customersOf(tenant).map(({ id }) => id)).toEqual([(await row(tenant)).customer]);
    expect(customersOf(tenant)).toMatchObject([{ email: tenant.ownerEmail, name: `Shop ${tenant.slug}` }]);
  });

  test("belongs to one tenant: the database takes no second one", async () => {
    const { customer } = await row(mine);
    const steal = own.host.admin.query(
      "update subscription set customer = $1, livemode = false where customer is null",
      [customer],
    );
    await expect(steal).rejects.toMatchObject({ constraint: "subscription_customer" });
  });

  test("repeating a request under its key opens no second page", async () => {
    const tenant = await fresh();
    const headers = { "idempotency-key": randomUUID() };
    const ask = () => tenant.owner.call("POST", "/v1/billing/checkout", { body: offer("growth"), headers });
    const [first, second] = [await ask(), await ask()];
    expect(second.body).toEqual(first.body);
    expect(second.headers.get("idempotent-replayed")).toBe("true");
  });
});

describe("who may", () => {
  test("look: OWNER and ADMIN; pay: the OWNER alone", async () => {
    const [admin, member] = await Promise.all([newMember(mine, "ADMIN"), newMember(mine, "MEMBER")]);
    const look = await Promise.all([admin, member].map((who) => who.call("GET", "/v1/billing/subscription")));
    expect(look.map(({ status }) => status)).toEqual([200, 403]);
    const portal = { body: { returnUrl: "https://shop.example.com" } };
    const open = await Promise.all(
      [mine.owner, admin, member].map((who) => who.call("POST", "/v1/billing/portal", portal)),
    );
    expect(open.map(({ status }) => status)).toEqual([200, 403, 403]);
    const page = await (await fetch(open[0]?.body.url)).text();
    expect(page).toContain("Scale");
  });

  test("nobody else hears of it", async () => {
    expect(await row(theirs)).toMatchObject({ customer: null, plan: "trial", status: "trial" });
    expect(await theirs.owner.get("/v1/billing/invoices")).toEqual({ data: [], nextCursor: null });
    expect(await eventsOf(own.host, theirs, "subscription.updated")).toEqual([]);
  });

  test("invoices come page by page", async () => {
    await subscribeLate(own.host, theirs, "starter");
    stripeOf(own.host).act("renew_now", { subscription: (await row(theirs)).subscription });
    await follow(own.host);
    const first = await theirs.owner.get("/v1/billing/invoices?limit=1");
    const second = await theirs.owner.get(`/v1/billing/invoices?limit=1&cursor=${first.nextCursor}`);
    expect([first.data.length, second.data.length, second.nextCursor]).toEqual([1, 1, null]);
    expect(second.data[0].id).not.toBe(first.data[0].id);
  });
});

describe("an object that Stripe has lost", () => {
  const merchant = () => new StripeSide(stripeOf(own.host).url).merchant(own.host.env("api").STRIPE_SECRET_KEY ?? "");
  const key = () => ({ idempotencyKey: randomUUID() });
  const month = (plan: string) => ({ plan, interval: "month" });
  const back = { returnUrl: "https://shop.example/s" };
  const send = (to: Tenant, path: string, body: object) =>
    to.owner.call("POST", `/v1/billing/${path}`, { body, headers: { "idempotency-key": randomUUID() } });
  let tenant: Tenant;
  beforeAll(async () => {
    tenant = await fresh();
    await subscribeLate(own.host, tenant, "starter");
  });

  test("a customer: its subscription has ended, whatever becomes of the webhook, and another one is made", async () => {
    const { customer } = await row(tenant);
    stripeOf(own.host).chaos.webhooks.lose = 1;
    await merchant().customers.del(String(customer), {}, key());
    await follow(own.host);
    stripeOf(own.host).chaos.webhooks.lose = 0;
    expect((await tenant.owner.get("/v1/billing/invoices")).data).toBeDefined();
    expect(outcome(await send(tenant, "change", month("growth")))).toBe("409 billing.not_subscribed");
    expect(outcome(await send(tenant, "portal", back))).toBe("200");
    const { url } = (await send(tenant, "checkout", offer("growth"))).body;
    const next = await row(tenant);
    expect(next.customer).not.toBe(customer);
    await settle(own.host);
    expect(await standingOf(tenant)).toBe("closing blocked");
    expect(await pay(url)).toBe("https://shop.example.com/welcome");
    await follow(own.host);
    expect(await row(tenant)).toMatchObject({ customer: next.customer, plan: "growth", status: "active" });
  });

  test("a price, a product and a configuration of the portal: each is made anew, or used again", async () => {
    const stripe = merchant();
    const prices = (await stripe.prices.list({ active: true, limit: 100 })).data;
    for (const { id } of prices) await stripe.prices.update(id, { active: false }, key());
    await stripe.products.update("stoa_growth", { active: false }, key());
    for (const { id } of (await stripe.billingPortal.configurations.list({ active: true })).data)
      await stripe.billingPortal.configurations.update(id, { active: false }, key());
    for (let turn = 0; turn < 2; turn += 1) {
      expect(outcome(await send(tenant, "portal", back))).toBe("200");
      for (const plan of ["starter", "growth", "scale"])
        expect([plan, outcome(await send(tenant, "preview", month(plan)))]).toEqual([plan, "200"]);
    }
  });
});
