import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { address, type Body, Caller, eventually } from "../support/client.js";
import { artifacts, demoShop } from "./shop.js";

const { host, shop, open } = demoShop();

const origins = () => [host().url, host().stripe?.url ?? ""];
const staff = () => new Caller(host().url, shop().secretKey);

/** A cart of the demo shop, completed with payment on Stripe's page: the order that waits, and where it is paid. */
async function checkout(): Promise<{ order: Body; url: string; token: string }> {
  const visitor = new Caller(host().url, shop().publishableKey);
  const lines = [{ variantId: shop().variantId, quantity: 2 }];
  const cart = await visitor.post("/v1/store/carts", { email: "ada@example.com", lines });
  const shopper = visitor.with({ "x-cart-token": cart.token });
  const path = `/v1/store/carts/${cart.id}`;
  const delivery = { shippingAddress: address, shippingOptionId: shop().shippingOptionId };
  await shopper.patch(path, delivery, { "if-match": "*" });
  const payment = { provider: "stripe", method: "checkout_session", returnUrl: `${host().url}/_local` };
  const { status, body } = await shopper.call("POST", `${path}/complete`, {
    body: { payment },
    headers: { "idempotency-key": randomUUID() },
  });
  expect(status).toBe(200);
  expect(body.order.status).toBe("pending");
  return { order: body.order, url: body.payment.action.url, token: cart.token };
}

async function typeCard(page: Page, number: string) {
  await page.fill('input[name="number"]', number);
  await page.fill('input[name="expiry"]', "12 / 34");
  await page.fill('input[name="cvc"]', "123");
  await page.fill('input[name="name"]', "Ada Lovelace");
}

const settled = (id: string, status: string) =>
  eventually(async () => {
    const order = await staff().get(`/v1/admin/orders/${id}`);
    return order.paymentStatus === status && order;
  }, 20_000);

test("a shopper pays by card on Stripe's page, after a card that is declined, and the order is paid a moment later", async () => {
  const { order, url, token } = await checkout();
  const { page, trouble } = await open(url, origins());
  await typeCard(page, "4000000000000002");
  await page.click("form button:not([name])");
  await page.waitForSelector("text=/declined/i");
  await page.screenshot({ path: join(artifacts, "stripe-declined.png") });
  expect((await staff().get(`/v1/admin/orders/${order.id}`)).status).toBe("pending");
  await typeCard(page, "4242424242424242");
  await page.screenshot({ path: join(artifacts, "stripe-checkout.png") });
  await page.click("form button:not([name])");
  await page.waitForURL(`${host().url}/_local*`);
  const paid = await settled(order.id, "captured");
  expect(paid.status).toBe("open");
  expect(paid.payments[0].captured).toEqual(order.totals.total);
  const visitor = new Caller(host().url, shop().publishableKey).with({ "x-cart-token": token });
  expect((await visitor.get(`/v1/store/orders/${order.id}?wait=2`)).paymentStatus).toBe("captured");
  // The browser itself says that a card was declined: the page answers 402.
  expect(trouble.filter((line) => !/402|favicon/.test(line))).toEqual([]);
});

test("a card that its bank wants proved is paid after the proof", async () => {
  const { order, url } = await checkout();
  const { page } = await open(url, origins());
  await typeCard(page, "4000002760003184");
  await page.click("form button:not([name])");
  await page.waitForSelector("text=/complete/i");
  await page.screenshot({ path: join(artifacts, "stripe-proof.png") });
  await page.click('button:has-text("Complete")');
  await page.waitForURL(`${host().url}/_local*`);
  expect((await settled(order.id, "captured")).status).toBe("open");
});

test("a tenant chooses a plan, pays for it, and changes it on Stripe's page", async () => {
  const { slug, email, password } = shop();
  const { accessToken } = await new Caller(host().url, undefined).post("/v1/auth/login", {
    tenant: slug,
    email,
    password,
  });
  const owner = new Caller(host().url, accessToken);
  const back = `${host().url}/_local`;
  const offer = { plan: "starter", interval: "month", successUrl: back, cancelUrl: back };
  const { url } = await owner.post("/v1/billing/checkout", offer);
  const { page } = await open(url, origins());
  await typeCard(page, "4242424242424242");
  await page.screenshot({ path: join(artifacts, "stripe-plan.png") });
  await page.click("form button:not([name])");
  await page.waitForURL(`${back}*`);
  const has = (plan: string) =>
    eventually(async () => (await owner.get("/v1/billing/subscription")).plan === plan, 20_000);
  await has("starter");
  const preview = await owner.post("/v1/billing/preview", { plan: "growth", interval: "month" });
  expect(preview).toHaveProperty("amountDue");
  await owner.post("/v1/billing/change", { plan: "growth", interval: "month" });
  await has("growth");
  const portal = await owner.post("/v1/billing/portal", { returnUrl: back });
  const { page: settings, trouble } = await open(portal.url, origins());
  await settings.waitForSelector("text=/growth/i");
  await settings.screenshot({ path: join(artifacts, "stripe-portal.png") });
  expect(trouble).toEqual([]);
});
