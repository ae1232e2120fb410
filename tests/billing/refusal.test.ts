import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { counted, ownSystem, settle, tenantsOf } from "../messages/system.js";
import { type Body, Cart, newProduct, type Tenant } from "../support/client.js";
import { faults, outcome } from "../support/outcome.js";
import { byCard, cartOf, confirm, connect, onPage, orderWhen, StripeSide } from "../support/stripe.js";
import { follow, offer, rowOf, stripeOf, subscribeLate } from "./account.js";

/** What becomes of Stripe's refusals: the payer's, the caller's, ours. */
const own = ownSystem({ schedules: false });
let paying: Tenant;
let asked: Tenant;
let selling: Tenant;
let side: StripeSide;

beforeAll(async () => {
  [paying, asked, selling] = (await tenantsOf(own.host, 3)) as [Tenant, Tenant, Tenant];
  side = new StripeSide(stripeOf(own.host).url);
  await settle(own.host);
  await subscribeLate(own.host, paying, "starter");
  await subscribeLate(own.host, asked, "starter");
  await connect(selling, side);
}, 120_000);

const row = (tenant: Tenant) => rowOf(own.host, tenant);
const month = (plan: string) => ({ plan, interval: "month" });
const back = { returnUrl: "https://shop.example/s" };
const send = (tenant: Tenant, path: string, body?: unknown, method = "POST") =>
  tenant.owner.call(method, `/v1/billing/${path}`, { body, headers: { "idempotency-key": randomUUID() } });

describe("each error of Stripe's has an owner", () => {
  const [card, request] = ["card_error", "invalid_request_error"];
  const paid = ["409 billing.payment_declined", "409 payment.refused"];
  const ours = ["502 billing.provider_fault", "502 payment.provider_fault"];
  /** An attempt to pay that Stripe refuses for good has ended, whoever's fault it is. */
  const refused = [...ours, "409 payment.refused"];
  const open = ["503 billing.provider_unreachable", "503 payment.provider_unreachable"];
  const gone = ["409 payment.provider_unavailable", "409 payment_account.refused"];
  /** What only the merchant's own operations say: they are decided, or pending. */
  const operated = [
    "409 payment.capture_failed",
    "409 payment.capture_exceeds",
    "409 payment.provider_unavailable",
    "200",
  ];
  const shapes: [name: string, status: number, error: object, answers: string[]][] = [
    ["a declined card", 402, { type: card, code: "card_declined", decline_code: "insufficient_funds" }, paid],
    [
      "a bank that asks",
      402,
      { type: card, code: "authentication_required" },
      ["409 billing.payment_action_required", "409 payment.refused"],
    ],
    ["a parameter of ours", 400, { type: request, param: "items", code: "parameter_unknown" }, refused],
    ["a lost object", 404, { type: request, param: "id", code: "resource_missing" }, ["200", ...refused]],
    ["our key of idempotency", 400, { type: "idempotency_error" }, refused],
    ["our secret key", 401, { type: "authentication_error" }, ours],
    ["a right of our key", 403, { type: "permission_error" }, ours],
    ["a limit", 429, { type: "rate_limit_error" }, open],
    ["a lock", 429, { type: request, code: "lock_timeout" }, open],
    ["an outage", 500, { type: "api_error" }, open],
    ["an error that nobody knows", 418, { type: "teapot_error" }, open],
  ];

  const carts: Cart[] = [];
  let fill: () => Promise<void>;
  const routes: Record<string, () => Promise<{ status: number; body: Body; headers: Headers }>> = {};
  beforeAll(async () => {
    const account = "/v1/admin/payments/account";
    const urls = { returnUrl: "https://shop.example/a", refreshUrl: "https://shop.example/b" };
    const order = async () => {
      const { body } = await (await cartOf(selling)).cart.complete(undefined, byCard);
      return body;
    };
    await selling.patch(account, { capture: "manual" });
    const held = await order();
    await confirm(side, held.payment);
    await orderWhen(selling, held.order.id, ({ paymentStatus }) => paymentStatus === "authorized");
    const { variantId } = await newProduct(selling, { stock: 100 });
    fill = async () => {
      await own.host.admin.query("update tenant set request_rate = 20000"); // no plan allows all routes at once
      for (let at = 0; at < 2; at += 1)
        carts.push(await (await Cart.open(selling.shop, { lines: [{ variantId, quantity: 1 }] })).prepare());
    };
    const buy = async (means: object) => {
      const cart = carts.pop();
      if (!cart) throw new Error("No cart is left.");
      return cart.complete(undefined, means);
    };
    Object.assign(routes, {
      invoices: () => paying.owner.call("GET", "/v1/billing/invoices"),
      checkout: () => send(paying, "checkout", offer("growth")),
      portal: () => send(paying, "portal", back),
      preview: () => send(paying, "preview", month("growth")),
      change: () => send(paying, "change", month("growth")),
      drop: () => send(paying, "change", undefined, "DELETE"),
      cancel: () => send(paying, "cancel"),
      resume: () => send(paying, "resume"),
      connect: () => selling.call("POST", account),
      onboard: () => selling.call("POST", `${account}/onboarding`, { body: urls }),
      intent: () => buy(byCard),
      page: () => buy(onPage),
      capture: () =>
        selling.call("POST", `/v1/admin/orders/${held.order.id}/capture`, {
          body: { amount: 100 },
          headers: { "idempotency-key": randomUUID() },
        }),
    });
  }, 120_000);

  /** Every call of Stripe's fails while all routes are asked at once. @returns the answers that nobody expects */
  async function askAll(status: number, error: object, answers: readonly string[]) {
    await fill();
    const first = counted(own.host, "ProviderFaults");
    const faulty = { message: "Not today.", ...error };
    stripeOf(own.host).chaos.faults = [{ kind: "refuse", path: "/v1/*", status, error: faulty as never }];
    const answered = await Promise.all(
      Object.entries(routes).map(async ([name, ask]) => ({ name, answer: await ask() })),
    );
    stripeOf(own.host).chaos.faults = [];
    for (const { answer } of answered)
      if (answer.status > 500) expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
    const alarms = answered.filter(({ answer }) => answer.status === 502).length;
    expect(counted(own.host, "ProviderFaults") - first).toBe(alarms);
    const allowed = (name: string) => [...answers, ...(name === "capture" ? operated : [])];
    return answered
      .filter(({ name, answer }) => !allowed(name).includes(outcome(answer)))
      .map(({ name, answer }) => `${name}: ${outcome(answer)} ${answer.body?.detail}`);
  }

  test.each(shapes)("%s", async (_, status, error, answers) => {
    const before = await row(paying);
    expect(await askAll(status, error, answers)).toEqual([]);
    await settle(own.host);
    expect(await row(paying)).toEqual({ ...before, requestRate: expect.any(Number) });
  });

  test("and nothing is half done: everything works when Stripe does again", async () => {
    await settle(own.host);
    const { intent: _, page: __, capture: ___, cancel: ____, ...rest } = routes;
    for (const [name, ask] of Object.entries(rest)) {
      const wanted: Record<string, string> = { checkout: "409 billing.subscribed", onboard: "201", drop: "204" };
      expect([name, outcome(await ask())]).toEqual([name, wanted[name] ?? "200"]);
    }
    await follow(own.host);
    expect(await row(paying)).toMatchObject({ plan: "growth", status: "active" });
    const { body } = await (await cartOf(selling, { stock: 3, quantity: 3 })).cart.complete(undefined, onPage);
    expect(await (await fetch(body.payment.action.url)).text()).toMatch(/Mug SKU-\w+ × 3.*€285\.00/);
  });

  test("an account that is gone takes no payments any more", async () => {
    const error = { type: request, code: "account_invalid" };
    expect(await askAll(403, error, [...gone, ...ours, "404 payment_account.not_found"])).toEqual([]);
    expect(await selling.get("/v1/admin/payments/account")).toMatchObject({ chargesEnabled: false });
    expect((await selling.get("/v1/admin/incidents?kind=payment_account.lost")).data[0].status).toBe("open");
  });
});

describe("a change of plan that the bank asks about", () => {
  beforeAll(async () => {
    stripeOf(own.host).act("set_card", {
      subscription: (await row(asked)).subscription,
      card: "pm_card_authenticationRequired",
    });
    await follow(own.host);
  });

  test("waits for the payer, who finds a page; the present plan stays, and asking again asks nothing twice", async () => {
    const preview = await asked.owner.post("/v1/billing/preview", month("growth"));
    const { prorationDate, price, total, amountDue } = preview;
    const answer = await send(asked, "change", { ...month("growth"), prorationDate, price, total, amountDue });
    expect(answer.body).toMatchObject({
      plan: "starter",
      status: "requires_payment_action",
      pendingChange: month("growth"),
    });
    expect(answer.body.url).toMatch(/^http/);
    await follow(own.host);
    expect(await row(asked)).toMatchObject({ plan: "starter", status: "active" });
    const again = await send(asked, "change", month("growth"));
    expect(again.body).toEqual(answer.body);
    const { data } = await asked.owner.get("/v1/billing/invoices");
    expect(data.filter(({ status }: Body) => status === "open")).toMatchObject([{ amountDue, url: answer.body.url }]);
  });

  test("can be dropped, and changed for another one", async () => {
    expect((await send(asked, "change", undefined, "DELETE")).status).toBe(204);
    expect((await send(asked, "change", undefined, "DELETE")).status).toBe(204);
    expect((await send(asked, "change", month("starter"))).body).toMatchObject({ status: "active", url: null });
    expect((await send(asked, "change", month("growth"))).body.status).toBe("requires_payment_action");
    const other = await send(asked, "change", month("scale"));
    expect(other.body).toMatchObject({ status: "requires_payment_action", pendingChange: month("scale") });
    const { data } = await asked.owner.get("/v1/billing/invoices");
    expect(data.filter(({ status }: Body) => status === "open")).toHaveLength(1);
    expect((await send(asked, "cancel")).body.pendingChange).toBeNull();
    expect((await send(asked, "resume")).body.cancelAt).toBeNull();
  });

  test("takes place when the payer has confirmed it", async () => {
    const { url } = (await send(asked, "change", month("growth"))).body;
    expect(await row(asked)).toMatchObject({ plan: "starter" });
    const kept = await fetch(url, { method: "POST", body: new URLSearchParams({ with: "kept" }), redirect: "manual" });
    const bank = kept.headers.get("location") ?? "";
    expect(bank).toContain("back=");
    await fetch(bank, { method: "POST", body: new URLSearchParams({ outcome: "complete" }), redirect: "manual" });
    await follow(own.host);
    expect(await row(asked)).toMatchObject({ plan: "growth", tenantPlan: "growth", status: "active" });
  });
});

test("no stored answer has the address of a page of Stripe's, or a secret, in clear", async () => {
  const [{ sealed, clear } = {}] = await own.host.admin.query(
    `select count(*) filter (where body !~ '^[\\[{]')::int as sealed,
        array_agg(distinct left(body, 80)) filter (where body ~ '^[\\[{]' and body ~ 'http|_secret_|"token"|sk_|pk_') as clear
      from idempotency_key where status < 400 and body <> ''`,
  );
  expect(Number(sealed)).toBeGreaterThan(10);
  expect(clear).toBeNull();
});

describe("a change of plan is bound to what was shown", () => {
  test("by amount, price and date", async () => {
    const preview = await paying.owner.post("/v1/billing/preview", month("scale"));
    const { prorationDate, price, total, amountDue } = preview;
    const shown = { ...month("scale"), prorationDate, price, total, amountDue };
    const cent = ({ amount, currency }: Body) => ({ amount: amount + 1, currency });
    for (const moved of [{ price: cent(price) }, { total: cent(total) }, { amountDue: cent(amountDue) }]) {
      const answer = await send(paying, "change", { ...shown, ...moved });
      expect(outcome(answer)).toBe("409 billing.amount_changed");
      expect(answer.body.price).toEqual(price);
      expect(answer.body.amountDue.currency).toBe("EUR");
    }
    const checkout = await send(asked, "checkout", { ...offer("scale"), price: cent(price) });
    expect([outcome(checkout), checkout.body.price]).toEqual(["409 billing.amount_changed", price]);
    expect((await row(paying)).plan).toBe("growth");
    expect((await send(paying, "change", shown)).body.plan).toBe("scale");
    await follow(own.host);
    expect((await paying.owner.get("/v1/billing/invoices")).data[0]).toMatchObject({ total, amountDue });
  });

  test.each([
    ["long ago", "1999-01-01T00:00:00Z"],
    ["in ten years", "2036-01-01T00:00:00Z"],
    ["outside of the period, with an offset", "2025-01-01T00:00:00+05:30"],
    ["in an hour", new Date(Date.now() + 3_600_000).toISOString()],
  ])("a date %s is the caller's fault", async (_, prorationDate) => {
    const answer = await send(paying, "change", { ...month("growth"), prorationDate });
    expect(faults(answer)).toBe("422 invalid_request /prorationDate");
  });
});
