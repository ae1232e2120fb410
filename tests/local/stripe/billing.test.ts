import { expect, test } from "vitest";
import { billing, card, day } from "./billing.js";

const { own, plan, subscribe, customer, days, again, invoices, events, post } = billing();

const paidFor = [
  "invoice.finalized",
  "invoice_payment.paid",
  "invoice.updated",
  "invoice.paid",
  "invoice.payment_succeeded",
];

test("prices are found by lookup keys, which a new price takes from the old one", async () => {
  const { data } = await own.stripe.prices.list({ lookup_keys: ["pro_month", "max_month"], active: true });
  expect(data.map(({ id }) => id)).toEqual([own.max.id, own.pro.id]);
  const terms = { product: "pro", currency: "eur", unit_amount: 3900, recurring: { interval: "month" as const } };
  const again = { ...terms, lookup_key: "pro_month" };
  await expect(own.stripe.prices.create(again)).rejects.toMatchObject({ param: "lookup_key", statusCode: 400 });
  const next = await own.stripe.prices.create({ ...again, transfer_lookup_key: true });
  const found = await own.stripe.prices.list({ lookup_keys: ["pro_month"], expand: ["data.product"] });
  expect(found.data).toMatchObject([{ id: next.id, product: { id: "pro", name: "PRO" } }]);
  expect(await own.stripe.prices.retrieve(own.pro.id)).toMatchObject({ lookup_key: null, unit_amount: 2900 });
  await expect(own.stripe.products.create({ id: "pro", name: "Pro" })).rejects.toMatchObject({
    code: "resource_already_exists",
  });
  await expect(own.stripe.products.del("pro")).rejects.toThrow("user-created prices");
});

test("a subscription is paid at once, and again with each period", async () => {
  const made = await subscribe(own.pro, {
    metadata: { tenant: "t1" },
    expand: ["latest_invoice.payments", "customer"],
  });
  expect(events()).toEqual([
    ...["customer.created", "customer.updated", "customer.subscription.created", "invoice.created"],
    ...[...paidFor, "customer.subscription.updated"],
  ]);
  const [item] = made.items.data;
  expect(made).toMatchObject({ status: "active", customer: { email: "shop@example.com" }, metadata: { tenant: "t1" } });
  expect(made.latest_invoice).toMatchObject({
    billing_reason: "subscription_create",
    status: "paid",
    amount_paid: 2900,
    parent: { subscription_details: { subscription: made.id, metadata: { tenant: "t1" } } },
    payments: { data: [{ status: "paid", amount_paid: 2900, payment: { type: "payment_intent" } }] },
  });
  expect((item?.current_period_end ?? 0) - (item?.current_period_start ?? 0)).toBeGreaterThanOrEqual(28 * day);
  await days(31);
  expect(events()).toEqual(["invoice.upcoming", "customer.subscription.updated", "invoice.created", ...paidFor]);
  const renewed = await again(made);
  expect(renewed.items.data[0]?.current_period_start).toBe(item?.current_period_end);
  const [latest, first] = await invoices(made);
  expect(latest).toMatchObject({ id: renewed.latest_invoice, billing_reason: "subscription_cycle", status: "paid" });
  expect(latest?.number).toBe(first?.number?.replace("0001", "0002"));
  expect(own.standIn.events().every((event) => event.account === undefined)).toBe(true);
});

test("a renewal is a draft for an hour", async () => {
  const made = await subscribe();
  const end = (made.items.data[0]?.current_period_end ?? 0) * 1000;
  await own.clock.advance(end + 1000 - own.clock.now());
  expect((await invoices(made))[0]).toMatchObject({ status: "draft", attempted: false });
  await own.clock.advance(3_600_000);
  expect((await invoices(made))[0]).toMatchObject({ status: "paid", attempt_count: 1 });
});

test("a subscription that is cancelled at the end of its period ends there, unless somebody changes their mind", async () => {
  const [made, kept] = [await subscribe(), await subscribe()];
  const end = made.items.data[0]?.current_period_end;
  const ends = await own.stripe.subscriptions.update(made.id, { cancel_at_period_end: true });
  expect(ends).toMatchObject({ status: "active", cancel_at_period_end: true, cancel_at: end });
  expect(ends.cancellation_details?.reason).toBe("cancellation_requested");
  await own.stripe.subscriptions.update(kept.id, { cancel_at: "max_period_end" });
  expect(await again(kept)).toMatchObject({ cancel_at_period_end: false, cancel_at: end });
  await expect(own.stripe.invoices.createPreview({ subscription: made.id })).rejects.toMatchObject({
    code: "invoice_upcoming_none",
  });
  await own.stripe.subscriptions.update(kept.id, { cancel_at: "" });
  events();
  await days(32);
  expect(events(/deleted/)).toEqual(["customer.subscription.deleted"]);
  expect(await again(made)).toMatchObject({ status: "canceled", ended_at: end, cancel_at_period_end: true });
  expect(await again(kept)).toMatchObject({ status: "active", canceled_at: null });
  expect((await invoices(made)).length).toBe(1);
});

test("a cancelled subscription is left out of lists, and cannot change any more", async () => {
  const made = await subscribe();
  const cancelled = await own.stripe.subscriptions.cancel(made.id, { cancellation_details: { feedback: "unused" } });
  expect(cancelled).toMatchObject({ status: "canceled", cancellation_details: { feedback: "unused" } });
  const owner = { customer: String(made.customer) };
  expect((await own.stripe.subscriptions.list(owner)).data).toEqual([]);
  expect((await own.stripe.subscriptions.list({ ...owner, status: "all" })).data).toMatchObject([{ id: made.id }]);
  await expect(own.stripe.subscriptions.update(made.id, { description: "x" })).rejects.toMatchObject({
    code: "invalid_canceled_subscription_fields",
  });
  await expect(own.stripe.subscriptions.cancel(made.id)).rejects.toMatchObject({ code: "resource_missing" });
});

test("a renewal that fails leaves the subscription past due, and the invoice's page brings it back", async () => {
  const made = await subscribe();
  own.standIn.act("fail_renewals", { subscription: made.id });
  events();
  await days(32);
  expect(events()).toEqual([
    ...["invoice.upcoming", "customer.subscription.updated", "invoice.created", "invoice.finalized", "invoice.updated"],
    ...["invoice.payment_failed", "customer.subscription.updated", "customer.updated"],
  ]);
  const [open] = await invoices(made);
  expect(await again(made)).toMatchObject({ status: "past_due", latest_invoice: open?.id });
  expect(open).toMatchObject({ status: "open", attempt_count: 1, amount_remaining: 2900 });
  expect((open?.next_payment_attempt ?? 0) - (open?.status_transitions.finalized_at ?? 0)).toBe(3 * day);
  expect(await own.stripe.customers.retrieve(String(made.customer))).toMatchObject({ delinquent: true });
  await days(4);
  expect((await invoices(made))[0]).toMatchObject({ attempt_count: 2 });
  const url = open?.hosted_invoice_url ?? "";
  expect(await (await fetch(url)).text()).toContain("Pay €29.00");
  const declined = await post(url, card("4000000000000341"));
  expect([declined.status, await declined.text()]).toEqual([402, expect.stringContaining("Your card was declined.")]);
  // Somebody's own attempts do not move the schedule on.
  expect((await invoices(made))[0]).toMatchObject({ attempt_count: 2, status: "open" });
  expect((await post(url, card())).status).toBe(303);
  expect(await again(made)).toMatchObject({ status: "active" });
  expect(await own.stripe.customers.retrieve(String(made.customer))).toMatchObject({ delinquent: false });
  await days(31);
  expect((await invoices(made)).map(({ status }) => status)).toEqual(["paid", "paid", "paid"]);
});

test.each(["past_due", "unpaid", "canceled"] as const)(
  "after the last attempt it is %s, as the settings say",
  async (status) => {
    own.standIn.act("billing_settings", { after_retries: status });
    const made = await subscribe();
    own.standIn.act("make_past_due", { subscription: made.id });
    expect(await again(made)).toMatchObject({ status: "past_due" });
    await days(16);
    expect(await again(made)).toMatchObject({ status });
    const [last] = await invoices(made);
    expect(last).toMatchObject({ status: "open", attempt_count: 4, next_payment_attempt: null });
    await days(16);
    if (status === "unpaid") expect((await invoices(made))[0]).toMatchObject({ status: "draft", auto_advance: false });
    if (status === "canceled") expect((await again(made)).cancellation_details?.reason).toBe("payment_failed");
    own.standIn.act("succeed_renewals", { customer: made.customer });
    if (status === "past_due") {
      const [latest] = await invoices(made);
      expect(await own.stripe.invoices.pay(latest?.id ?? "")).toMatchObject({ status: "paid" });
      expect(await again(made)).toMatchObject({ status: "active" });
    }
  },
);

test("a trial costs nothing, is announced to end, and then is paid", async () => {
  const trial = await subscribe(own.pro, { trial_period_days: 14 });
  expect(trial).toMatchObject({ status: "trialing", trial_end: trial.created + 14 * day });
  expect((await invoices(trial))[0]).toMatchObject({
    amount_due: 0,
    status: "paid",
    lines: { data: [{ amount: 0, description: "Free trial for 1 × PRO" }] },
  });
  events();
  await days(12);
  expect(events()).toEqual(["invoice.upcoming", "customer.subscription.trial_will_end"]);
  await days(3);
  const paying = await again(trial);
  expect([paying.status, paying.items.data[0]?.current_period_start]).toEqual(["active", trial.trial_end]);
  expect((await invoices(trial))[0]).toMatchObject({ amount_paid: 2900, billing_reason: "subscription_cycle" });
});

test("a trial without a card is past due when it ends, or is cancelled when it was made so", async () => {
  const { id } = await own.stripe.customers.create({ email: "none@example.com" });
  const terms = { customer: id, items: [{ price: own.pro.id }], trial_period_days: 2 };
  const trial = await own.stripe.subscriptions.create(terms);
  const end_behavior = { missing_payment_method: "cancel" as const };
  const other = await own.stripe.subscriptions.create({ ...terms, trial_settings: { end_behavior } });
  await days(3);
  expect([(await again(trial)).status, (await again(other)).status]).toEqual(["past_due", "canceled"]);
  await expect(own.stripe.subscriptions.create({ ...terms, trial_period_days: 0 })).rejects.toThrow();
  await expect(own.stripe.subscriptions.create({ customer: id, items: [{ price: own.pro.id }] })).rejects.toMatchObject(
    { code: "resource_missing", message: expect.stringContaining("no attached payment source") },
  );
});

test("a first payment that fails leaves the subscription incomplete for 23 hours", async () => {
  const { id } = await customer("pm_card_chargeCustomerFail");
  const made = await own.stripe.subscriptions.create({ customer: id, items: [{ price: own.pro.id }] });
  expect(made.status).toBe("incomplete");
  expect((await invoices(made))[0]).toMatchObject({ status: "open", next_payment_attempt: null });
  await days(1);
  expect((await again(made)).status).toBe("incomplete_expired");
  expect((await invoices(made))[0]).toMatchObject({ status: "void" });
  const strict = { customer: id, items: [{ price: own.pro.id }], payment_behavior: "error_if_incomplete" as const };
  await expect(own.stripe.subscriptions.create(strict)).rejects.toMatchObject({
    code: "card_declined",
    statusCode: 402,
  });
  expect((await own.stripe.subscriptions.list({ customer: id, status: "all" })).data.length).toBe(1);
});

test("a customer that is deleted takes its subscriptions along", async () => {
  const made = await subscribe(await plan("year", 29_000, "year"));
  expect(await own.stripe.customers.del(String(made.customer))).toMatchObject({ deleted: true });
  expect((await again(made)).status).toBe("canceled");
  expect(await own.stripe.customers.retrieve(String(made.customer))).toMatchObject({ deleted: true });
  expect((await own.stripe.customers.list({ email: "shop@example.com" })).data).toEqual([]);
  await expect(own.stripe.customers.update(String(made.customer), { name: "x" })).rejects.toMatchObject({
    code: "resource_missing",
  });
});

test("a customer is made with a card that its bank accepts, or not at all", async () => {
  const params = { payment_method: "pm_card_visa", invoice_settings: { default_payment_method: "pm_card_visa" } };
  const { id, invoice_settings } = await own.stripe.customers.create(params);
  const [method] = (await own.stripe.customers.listPaymentMethods(id)).data;
  expect(invoice_settings.default_payment_method).toBe(method?.id);
  const refused = { email: "none@example.com", payment_method: "pm_card_chargeDeclined" };
  await expect(own.stripe.customers.create(refused)).rejects.toMatchObject({ code: "card_declined" });
  expect((await own.stripe.customers.list({ email: "none@example.com" })).data).toEqual([]);
});
