import type Stripe from "stripe";
import { expect, test } from "vitest";
import { billing, card, day } from "./billing.js";

const { own, subscribe, customer, days, again, invoices, events, post } = billing();

const open = (more: Stripe.Checkout.SessionCreateParams) =>
  own.stripe.checkout.sessions.create({
    mode: "subscription",
    line_items: [{ price: own.pro.id, quantity: 1 }],
    success_url: "https://shop.example/done?session={CHECKOUT_SESSION_ID}",
    cancel_url: "https://shop.example/plans",
    client_reference_id: "tenant_1",
    metadata: { tenant: "tenant_1" },
    ...more,
  });
const submit = (session: Stripe.Checkout.Session, number?: string) => post(session.url ?? "", card(number));
const subscriptionsOf = async (customer: string) =>
  (await own.stripe.subscriptions.list({ customer, status: "all" })).data;

/** The page of the bank, and back. */
async function authenticate(response: Response, outcome: string) {
  const bank = await post(response.headers.get("location") ?? "", { outcome });
  return fetch(bank.headers.get("location") ?? "", { redirect: "manual" });
}

test("a person subscribes with a card: the session names the subscription, its invoice and whose it is", async () => {
  const { id } = await own.stripe.customers.create({ email: "shop@example.com" });
  const session = await open({ customer: id, subscription_data: { metadata: { tenant: "tenant_1" } } });
  expect(session).toMatchObject({ status: "open", amount_total: 2900, payment_intent: null, subscription: null });
  expect(await (await fetch(session.url ?? "")).text()).toContain("PRO");
  events();
  const response = await submit(session);
  expect([response.status, response.headers.get("location")]).toEqual([
    303,
    `https://shop.example/done?session=${session.id}`,
  ]);
  expect(events()).toEqual([
    ...["customer.subscription.created", "invoice.created", "invoice.finalized", "invoice_payment.paid"],
    ...["invoice.updated", "invoice.paid", "invoice.payment_succeeded", "customer.subscription.updated"],
    "checkout.session.completed",
  ]);
  const done = await own.stripe.checkout.sessions.retrieve(session.id, { expand: ["subscription.latest_invoice"] });
  expect(done).toMatchObject({
    status: "complete",
    payment_status: "paid",
    customer: id,
    client_reference_id: "tenant_1",
    metadata: { tenant: "tenant_1" },
    subscription: { status: "active", metadata: { tenant: "tenant_1" }, latest_invoice: { id: done.invoice } },
  });
  const [subscription] = await subscriptionsOf(id);
  const method = await own.stripe.paymentMethods.retrieve(String(subscription?.default_payment_method));
  expect([method.customer, method.card?.last4]).toEqual([id, "4242"]);
  expect(await own.stripe.customers.retrieve(id)).toMatchObject({ invoice_settings: { default_payment_method: null } });
  const completed = own.standIn.events(null).find(({ type }) => type === "checkout.session.completed");
  expect([completed?.account, completed?.request?.id]).toEqual([undefined, null]);
  await days(31);
  expect((await invoices(subscription as Stripe.Subscription)).map(({ status }) => status)).toEqual(["paid", "paid"]);
});

test("a declined card makes no subscription, and the person tries again", async () => {
  const { id } = await customer();
  const session = await open({ customer: id });
  // One is refused already when it is kept, the other only when it is charged.
  for (const number of ["4000000000000002", "4000000000000341"]) {
    const declined = await submit(session, number);
    expect([declined.status, await declined.text()]).toEqual([402, expect.stringContaining("Your card was declined.")]);
  }
  expect(await subscriptionsOf(id)).toEqual([]);
  expect((await submit(session)).status).toBe(303);
  expect(await subscriptionsOf(id)).toMatchObject([{ status: "active" }]);
  expect((await submit(session)).status).toBe(410);
});

test.each(["4000002760003184", "4000002500003155"])("the bank asks who is there: card %s", async (number) => {
  const { id } = await customer();
  const session = await open({ customer: id });
  const failed = await authenticate(await submit(session, number), "fail");
  expect([failed.status, await failed.text()]).toEqual([402, expect.stringContaining("authenticate")]);
  expect(await subscriptionsOf(id)).toEqual([]);
  const passed = await authenticate(await submit(session, number), "complete");
  expect(passed.headers.get("location")).toContain("https://shop.example/done");
  const [made] = await subscriptionsOf(id);
  expect(made).toMatchObject({ status: "active" });
  await days(32);
  // A card that was set up for later is charged without asking; the other asks each time.
  expect((await again(made as Stripe.Subscription)).status).toBe(number.endsWith("3155") ? "active" : "past_due");
});

test("a trial keeps the card and takes no money yet", async () => {
  const { id } = await customer();
  const session = await open({ customer: id, subscription_data: { trial_period_days: 14 } });
  expect(session).toMatchObject({ amount_total: 0, payment_status: "no_payment_required" });
  expect((await submit(session, "4000000000000341")).status).toBe(303);
  expect(events(/charge|payment_intent/)).toEqual([]);
  const [trial] = await subscriptionsOf(id);
  expect(trial).toMatchObject({ status: "trialing", trial_end: (trial?.created ?? 0) + 14 * day });
  expect(await own.stripe.checkout.sessions.retrieve(session.id)).toMatchObject({
    status: "complete",
    payment_status: "no_payment_required",
    subscription: trial?.id,
  });
  await days(15);
  expect((await again(trial as Stripe.Subscription)).status).toBe("past_due");
});

test("without a customer one is made; a session that nobody uses expires", async () => {
  const session = await open({ customer_email: "new@example.com" });
  await submit(session);
  const done = await own.stripe.checkout.sessions.retrieve(session.id, { expand: ["customer"] });
  expect(done.customer).toMatchObject({ email: "new@example.com", name: "A Shopper" });
  const unused = await open({});
  await days(2);
  expect(await own.stripe.checkout.sessions.retrieve(unused.id)).toMatchObject({
    status: "expired",
    subscription: null,
  });
  expect((await submit(unused)).status).toBe(410);
});

test("a session refuses what the mode does not allow", async () => {
  const one = await own.stripe.prices.create({ product: "pro", currency: "eur", unit_amount: 100 });
  await expect(open({ line_items: [{ price: one.id, quantity: 1 }] })).rejects.toThrow("recurring price");
  await expect(open({ customer: "cus_none" })).rejects.toMatchObject({ code: "resource_missing" });
  await expect(open({ subscription_data: { trial_end: 1 } })).rejects.toMatchObject({ param: "trial_end" });
  await expect(open({ mode: "payment", subscription_data: { description: "x" } })).rejects.toThrow();
});

test("a card is saved without any payment", async () => {
  const { id } = await own.stripe.customers.create({});
  const params = { mode: "setup" as const, currency: "eur", customer: id, success_url: "https://shop.example/" };
  const session = await own.stripe.checkout.sessions.create(params);
  expect(
    (await authenticate(await post(session.url ?? "", { ...card("4000002760003184"), email: "a@b.de" }), "fail"))
      .status,
  ).toBe(402);
  expect((await post(session.url ?? "", { ...card(), email: "a@b.de" })).status).toBe(303);
  const done = await own.stripe.checkout.sessions.retrieve(session.id, { expand: ["setup_intent"] });
  expect(done).toMatchObject({ status: "complete", setup_intent: { status: "succeeded" }, payment_intent: null });
  expect((await own.stripe.customers.listPaymentMethods(id)).data).toMatchObject([{ card: { last4: "4242" } }]);
});

test("a browser pays the first invoice with its confirmation secret", async () => {
  const { id } = await own.stripe.customers.create({});
  const made = await own.stripe.subscriptions.create({
    customer: id,
    items: [{ price: own.pro.id }],
    payment_behavior: "default_incomplete",
    payment_settings: { save_default_payment_method: "on_subscription" },
    expand: ["latest_invoice.confirmation_secret"],
  });
  expect(made.status).toBe("incomplete");
  const invoice = made.latest_invoice as Stripe.Invoice;
  const { data } = await own.stripe.invoicePayments.list({
    invoice: invoice.id,
    expand: ["data.payment.payment_intent"],
  });
  const intent = data[0]?.payment.payment_intent as Stripe.PaymentIntent;
  expect(invoice.confirmation_secret?.client_secret).toBe(intent.client_secret);
  await own.stripe.paymentIntents.confirm(intent.id, { payment_method: "pm_card_visa" });
  await own.clock.advance(1000);
  expect(await again(made)).toMatchObject({ status: "active", default_payment_method: expect.stringMatching(/^pm_/) });
  expect((await invoices(made))[0]).toMatchObject({ status: "paid" });
});

test("whatever order events arrive in, asking for the object gives its latest state", async () => {
  const made = await subscribe();
  own.standIn.act("make_past_due", { subscription: made.id });
  own.standIn.act("succeed_renewals", { subscription: made.id });
  await own.stripe.invoices.pay(String((await again(made)).latest_invoice));
  await own.stripe.subscriptions.cancel(made.id);
  const told = own.standIn.events(null).filter(({ type }) => type.startsWith("customer.subscription."));
  expect(new Set(told.map(({ data }) => (data.object as Stripe.Subscription).id))).toEqual(new Set([made.id]));
  expect(told.length).toBeGreaterThanOrEqual(6);
  const latest = JSON.parse(JSON.stringify(await again(made)));
  expect(JSON.parse(JSON.stringify(told[0]?.data.object))).toEqual(latest);
});
