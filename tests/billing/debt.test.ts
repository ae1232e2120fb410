import { beforeAll, describe, expect, test } from "vitest";
import { plans } from "../../core/entitlement/plan.js";
import { ownSystem, settle, tenantsOf } from "../messages/system.js";
import { Cart, newProduct, type Tenant } from "../support/client.js";
import { outcome } from "../support/outcome.js";
import {
  eventsOf,
  follow,
  letDaysPass,
  mailsTo,
  offer,
  pay,
  rowOf,
  standingOf,
  stripeOf,
  subscribeLate,
  subscriptionOf,
} from "./account.js";

const own = ownSystem({ schedules: false });
let mine: Tenant;
let theirs: Tenant;

beforeAll(async () => {
  [mine, theirs] = (await tenantsOf(own.host, 2)) as [Tenant, Tenant];
  await settle(own.host);
  await subscribeLate(own.host, mine, "growth");
  await subscribeLate(own.host, theirs, "growth");
}, 120_000);

const row = (tenant: Tenant) => rowOf(own.host, tenant);
const act = async (name: string, tenant: Tenant) => {
  stripeOf(own.host).act(name, { subscription: (await row(tenant)).subscription });
  await follow(own.host);
};
async function days(tenant: Tenant, count: number) {
  await letDaysPass(own.host, tenant, count);
  await own.host.runSchedule("sweep");
  await follow(own.host);
  return standingOf(tenant);
}
const subjects = (tenant: Tenant) =>
  mailsTo(own.host, tenant).map(({ subject }) => subject.replace(/Shop \S+/, "SHOP"));
const moves = async (tenant: Tenant) =>
  (await eventsOf(own.host, tenant, "tenant.status_changed")).map(({ to, access }) => `${to} ${access}`);

describe("a renewal that is declined", () => {
  test("is a debt at once, and time takes more and more away", async () => {
    const { variantId } = await newProduct(mine, { stock: 5 });
    await act("make_past_due", mine);
    expect(await standingOf(mine)).toBe("past_due full");
    const { owedSince, nextStep } = await subscriptionOf(mine);
    expect(Date.parse(owedSince)).toBeGreaterThan(Date.now() - 60_000);
    expect(nextStep).toMatchObject({ kind: "reminder" });
    expect(await days(mine, 0)).toBe("past_due full");
    expect(subjects(mine)).toEqual(["Payment due for SHOP"]);
    expect(await days(mine, 3)).toBe("past_due full");
    expect(await days(mine, 3)).toBe("past_due full");
    const { graceDays, readOnlyDays } = plans.growth.dunning;
    expect(await days(mine, graceDays - 6)).toBe("past_due read_only");
    expect((await mine.call("POST", "/v1/admin/products", { body: { name: "Later" } })).status).toBe(403);
    const cart = await Cart.open(mine.shop, { lines: [{ variantId, quantity: 1 }] }); // shoppers still buy
    expect(await days(mine, readOnlyDays)).toBe("suspended blocked");
    expect((await cart.shop.call("GET", cart.path)).status).toBe(403);
    expect(subjects(mine)).toEqual([
      ...Array(3).fill("Payment due for SHOP"),
      "SHOP is read-only",
      "SHOP is suspended",
    ]);
  });

  test("stops changes of the plan, and a second subscription", async () => {
    const body = { plan: "scale", interval: "month" };
    const headers = { "idempotency-key": "change-in-debt" };
    const change = await mine.owner.call("POST", "/v1/billing/change", { body, headers });
    const checkout = await mine.owner.call("POST", "/v1/billing/checkout", { body: offer("growth") });
    expect([change, checkout].map(outcome)).toEqual(["409 billing.payment_owed", "409 billing.subscribed"]);
  });

  test("is forgotten by a payment: the page is in the mail", async () => {
    const link = /https?:\/\/\S+/.exec(mailsTo(own.host, mine).at(-1)?.text ?? "")?.[0] ?? "";
    await pay(link);
    await follow(own.host);
    expect(await standingOf(mine)).toBe("active full");
    expect(await subscriptionOf(mine)).toMatchObject({ owedSince: null, nextStep: null });
    expect((await mine.call("GET", "/v1/admin/products")).status).toBe(200);
    expect(await moves(mine)).toEqual([
      "active full",
      "past_due full",
      "past_due read_only",
      "suspended blocked",
      "active full",
    ]);
  });

  test("begins anew with the next debt", async () => {
    const before = subjects(mine).length;
    await act("make_past_due", mine);
    expect(await days(mine, 0)).toBe("past_due full");
    expect(subjects(mine).slice(before)).toEqual(["Payment due for SHOP"]);
    await act("succeed_renewals", mine);
  });

  test("of another tenant is theirs", async () => {
    expect(await standingOf(theirs)).toBe("active full");
    expect(mailsTo(own.host, theirs)).toEqual([]);
  });
});

describe("what Stripe never told us", () => {
  const lose = (share: number) => Object.assign(stripeOf(own.host).chaos.webhooks, { lose: share });

  test("is asked for within a day, and while somebody owes, within the hour", async () => {
    lose(1);
    await act("make_past_due", theirs);
    expect(await standingOf(theirs)).toBe("active full");
    const due = async () => {
      const [found] = await own.host.admin.query(
        "select extract(epoch from next_step_at - now())::int as seconds from subscription where customer = $1",
        [(await row(theirs)).customer],
      );
      return Number(found?.seconds) / 3_600;
    };
    expect(await due()).toBeLessThanOrEqual(24);
    await days(theirs, 1);
    expect(await standingOf(theirs)).toBe("past_due full");
    expect(await due()).toBeLessThanOrEqual(1);
    await act("succeed_renewals", theirs);
    const [open] = stripeOf(own.host)
      .objects("invoice", null)
      .filter(({ status }) => status === "open");
    await pay(open?.hosted_invoice_url ?? "");
    await follow(own.host);
    expect(await standingOf(theirs)).toBe("past_due full");
    await own.host.admin.query("update subscription set next_step_at = now() where customer = $1", [
      (await row(theirs)).customer,
    ]);
    await own.host.runSchedule("sweep");
    await follow(own.host);
    expect(await standingOf(theirs)).toBe("active full");
    lose(0);
  });

  test("a payment of which nobody told us comes before the letter", async () => {
    await act("make_past_due", theirs);
    lose(1);
    const [open] = stripeOf(own.host)
      .objects("invoice", null)
      .filter(({ status }) => status === "open");
    await pay(open?.hosted_invoice_url ?? "");
    const before = subjects(theirs).length;
    await days(theirs, 7);
    lose(0);
    expect(await standingOf(theirs)).toBe("active full");
    expect(subjects(theirs)).toHaveLength(before);
  });
});
