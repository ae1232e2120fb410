import { setTimeout as sleep } from "node:timers/promises";
import { runAs } from "../../core/kernel/actor.js";
import type { Attempt, Operation } from "../../core/payment/provider.js";
import { stripe } from "../../core/payment/stripe/index.js";
import { disputesSince, intentsSince, refundsSince } from "../../core/payment/stripe/list.js";
import { connectAccount } from "../../core/payment-account/onboarding.js";
import type { Host } from "../../stacks/local/host.js";
import { asSystemOf, follow, live, offer, pay, stripeOf, subscribeLate } from "../billing/account.js";
import { type Body, newTenant, type Tenant } from "../support/client.js";
import { byCard, cartOf, confirm, connect, onPage, orderWhen, StripeSide } from "../support/stripe.js";

/** What shoppers and merchants do, through the API: each way to pay, and what becomes of the money. */
export async function trade(host: Host): Promise<{ tenant: Tenant; account: string }> {
  const side = new StripeSide(stripeOf(host).url);
  const tenant = await newTenant({}, host.url);
  const path = "/v1/admin/payments/account";
  const account = await connect(tenant, side);
  await tenant.post(`${path}/onboarding`, {
    returnUrl: "https://shop.example/a",
    refreshUrl: "https://shop.example/b",
  });
  const buy = async (means: object) => (await (await cartOf(tenant)).cart.complete(undefined, means)).body;
  const paid = async (order: Body, status: string) =>
    orderWhen(tenant, order.id, ({ paymentStatus }) => paymentStatus === status);

  const first = await buy(byCard);
  await confirm(side, first.payment, "pm_card_chargeDeclined").catch(() => undefined);
  await follow(host);
  await confirm(side, first.payment);
  await paid(first.order, "captured");
  await tenant.post(`/v1/admin/orders/${first.order.id}/refunds`, { amount: 1_000 });
  await tenant.post(`/v1/admin/orders/${first.order.id}/refunds`, {});

  const page = await buy(onPage);
  await pay(page.payment.action.url);
  await paid(page.order, "captured");

  await tenant.patch(path, { capture: "manual" });
  const byHand = await buy(byCard);
  await confirm(side, byHand.payment);
  await paid(byHand.order, "authorized");
  await tenant.post(`/v1/admin/orders/${byHand.order.id}/capture`, { amount: 4_000 });
  await tenant.post(`/v1/admin/orders/${byHand.order.id}/capture`, {});
  await buy(onPage);
  const given = await buy(byCard);
  await confirm(side, given.payment);
  await paid(given.order, "authorized");
  await tenant.post(`/v1/admin/orders/${given.order.id}/void`, {});

  const [charge] = stripeOf(host)
    .objects("charge", account)
    .filter(({ status, captured }) => status === "succeeded" && captured);
  stripeOf(host).openDispute(String(charge?.id), account);
  await follow(host);
  return { tenant, account };
}

/** What tenants have with the platform. */
export async function bill(host: Host): Promise<void> {
  const tenant = await newTenant({}, host.url);
  await follow(host);
  await tenant.owner.post("/v1/billing/checkout", offer("scale", "year"));
  await subscribeLate(host, tenant, "starter");
  const growth = { plan: "growth", interval: "month" };
  const { prorationDate } = await tenant.owner.post("/v1/billing/preview", growth);
  await tenant.owner.post("/v1/billing/change", { ...growth, prorationDate });
  for (const move of ["yearly", "cancel", "resume"] as const) await live(host, tenant, move);
  // Cancelled in Stripe's portal, where it has a day.
  const [running] = stripeOf(host).objects("subscription", null);
  if (running)
    stripeOf(host)
      .store()
      .change(running, { cancel_at: running.items.data[0]?.current_period_end ?? 0 });
  for (const move of ["resume", "fail"] as const) await live(host, tenant, move);
  await follow(host);
  await tenant.owner.post("/v1/billing/portal", { returnUrl: "https://shop.example/back" });
  const { nextCursor } = await tenant.owner.get("/v1/billing/invoices?limit=1");
  if (nextCursor) await tenant.owner.get(`/v1/billing/invoices?limit=1&cursor=${nextCursor}`);
}

/** What is asked only when something went wrong: answers were lost, keys forgotten, attempts left behind. */
export async function recover(host: Host, { tenant, account }: { tenant: Tenant; account: string }): Promise<void> {
  const standIn = stripeOf(host);
  const old = new Date(Date.now() - 23.5 * 3_600_000).toISOString();
  const base = {
    orderId: "ord_1",
    currency: "EUR",
    account,
    livemode: false,
    captured: 0,
    returnUrl: "https://a.example/",
  } as const;
  const attempt = (id: string, more: Partial<Attempt> = {}): Attempt => ({
    ...{ id, amount: 5_000, method: "payment_intent", fee: 100, reference: null, session: null },
    ...{ createdAt: new Date().toISOString(), email: null, description: "Order 1", capturesManually: false, items: [] },
    ...base,
    ...more,
  });
  const operation = (kind: Operation["kind"], amount: number, more: Partial<Operation> = {}): Operation => ({
    ...{ id: `pop_${kind}${amount}`, kind, amount, final: true, createdAt: new Date().toISOString() },
    ...more,
  });
  process.env.STRIPE_PUBLISHABLE_KEY = host.env("api").STRIPE_PUBLISHABLE_KEY;
  await asSystemOf(host, tenant.id, async () => {
    await stripe.open(attempt("pay_lost", { createdAt: old })).catch(() => undefined);
    const session = { method: "checkout_session" };
    await stripe.open(attempt("pay_lostpage", { ...session, createdAt: old })).catch(() => undefined);
    const page = attempt("pay_page", session);
    const opened = await stripe.open(page);
    await stripe.open({ ...page, session: opened.session });
    await stripe.close(page);
    const left = attempt("pay_left", { fee: 0 });
    const intent = { ...left, reference: (await stripe.open(left)).reference };
    await stripe.open(intent);
    await stripe.snapshot(intent);
    await stripe.operate(intent, operation("capture", 0));
    await stripe.operate(intent, operation("refund", 0));
    await stripe.operate(intent, operation("refund", 7, { createdAt: old }));
    await stripe.close(intent);
    const merchant = { account, livemode: false };
    for (const list of [intentsSince, refundsSince, disputesSince])
      for await (const _ of list(merchant, old)) await sleep(0);
  });
  const stranger = await newTenant({}, host.url);
  standIn.chaos.faults = [{ kind: "error_after", method: "POST", path: "/v1/accounts", next: 1 }];
  await asSystemOf(host, stranger.id, () => runAs({ type: "system", tenantId: stranger.id }, connectAccount));
}
