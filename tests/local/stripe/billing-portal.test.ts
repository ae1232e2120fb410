import type Stripe from "stripe";
import { expect, test } from "vitest";
import { billing, card } from "./billing.js";

const { own, subscribe, days, again, invoices, events, post } = billing();

const back = "https://shop.example/billing";
const features = (): Stripe.BillingPortal.ConfigurationCreateParams.Features => ({
  invoice_history: { enabled: true },
  payment_method_update: { enabled: true },
  subscription_cancel: { enabled: true, mode: "at_period_end" },
  subscription_update: {
    enabled: true,
    default_allowed_updates: ["price"],
    proration_behavior: "always_invoice",
    products: [
      { product: "pro", prices: [own.pro.id] },
      { product: "max", prices: [own.max.id] },
    ],
  },
});

async function visit(made: Stripe.Subscription, more: Stripe.BillingPortal.SessionCreateParams = {}) {
  const configuration = await own.stripe.billingPortal.configurations.create({ features: features() });
  return own.stripe.billingPortal.sessions.create({
    customer: String(made.customer),
    configuration: configuration.id,
    return_url: back,
    ...more,
  });
}
const show = async (session: Stripe.BillingPortal.Session) => (await fetch(session.url)).text();
const act = (session: Stripe.BillingPortal.Session, act: string, fields: Record<string, string> = {}) =>
  post(session.url, { act, ...fields });

test("a portal needs a configuration, as one that somebody saved in the dashboard", async () => {
  const made = await subscribe();
  const params = { customer: String(made.customer), return_url: back };
  await expect(own.stripe.billingPortal.sessions.create(params)).rejects.toThrow("default configuration");
  own.standIn.act("save_portal_settings");
  const session = await own.stripe.billingPortal.sessions.create(params);
  expect(await show(session)).toContain(back);
  const { data } = await own.stripe.billingPortal.configurations.list({ is_default: true });
  expect(data).toMatchObject([{ id: session.configuration, features: { subscription_update: { enabled: false } } }]);
  const bare = { subscription_update: { enabled: true } };
  await expect(own.stripe.billingPortal.configurations.create({ features: bare })).rejects.toMatchObject({
    param: "features[subscription_update]",
  });
});

test("the portal shows the plan; cancelling sets `cancel_at` and can be taken back", async () => {
  const made = await subscribe();
  const session = await visit(made);
  const page = await show(session);
  for (const text of ["PRO", "€29.00 / month", "visa •••• 4242", "Switch to MAX", "Cancel plan", "0001"])
    expect(page).toContain(text);
  events();
  const asked = await act(session, "cancel", { subscription: made.id });
  expect([asked.status, await asked.text()]).toEqual([200, expect.stringContaining("Cancel the plan?")]);
  expect((await act(session, "cancel", { subscription: made.id, confirmed: "yes" })).headers.get("location")).toBe(
    session.url,
  );
  expect(events()).toEqual(["customer.subscription.updated"]);
  expect(await again(made)).toMatchObject({
    cancel_at: made.items.data[0]?.current_period_end,
    cancel_at_period_end: false,
    cancellation_details: { reason: "cancellation_requested" },
  });
  expect(await show(session)).toContain("Do not cancel");
  await act(session, "resume", { subscription: made.id });
  expect(await again(made)).toMatchObject({ cancel_at: null, canceled_at: null });
});

test("a new card pays the invoice that is open, and the next ones", async () => {
  const made = await subscribe();
  own.standIn.act("make_past_due", { subscription: made.id });
  const session = await visit(made);
  const [open] = await invoices(made);
  expect(await show(session)).toContain('data-status="past_due"');
  const refused = await act(session, "pay", { invoice: open?.id ?? "" });
  expect([refused.status, await refused.text()]).toEqual([402, expect.stringContaining("Your card was declined.")]);
  expect((await act(session, "card", card("4000000000000002"))).status).toBe(402);
  expect((await act(session, "card", card("5555555555554444"))).status).toBe(303);
  expect((await act(session, "pay", { invoice: open?.id ?? "" })).status).toBe(303);
  expect(await again(made)).toMatchObject({ status: "active" });
  await days(32);
  expect((await invoices(made)).map(({ status }) => status)).toEqual(["paid", "paid", "paid"]);
});

test("a person switches plans, and nothing changes when the bank declines", async () => {
  const made = await subscribe();
  const session = await visit(made);
  const fields = { subscription: made.id, item: made.items.data[0]?.id ?? "", price: own.max.id };
  own.standIn.act("fail_renewals", { subscription: made.id });
  expect((await act(session, "update", fields)).status).toBe(402);
  own.standIn.act("succeed_renewals", { subscription: made.id });
  expect((await act(session, "update", fields)).status).toBe(303);
  const changed = await again(made);
  expect(changed.items.data[0]?.price.id).toBe(own.max.id);
  expect((await invoices(made))[0]).toMatchObject({ status: "paid", billing_reason: "subscription_update" });
  expect((await act(session, "update", { ...fields, price: "price_other" })).status).toBe(402);
});

test("a link leads to one task and back, belongs to one customer, and expires", async () => {
  const [made, other] = [await subscribe(), await subscribe()];
  const flow_data = {
    type: "subscription_cancel" as const,
    subscription_cancel: { subscription: made.id },
    after_completion: { type: "redirect" as const, redirect: { return_url: `${back}?cancelled` } },
  };
  const session = await visit(made, { flow_data });
  const page = await show(session);
  expect([page.includes("Cancel plan"), page.includes("Save card"), page.includes("Switch to")]).toEqual([
    true,
    false,
    false,
  ]);
  expect((await act(session, "cancel", { subscription: other.id, confirmed: "yes" })).status).toBe(402);
  expect((await act(session, "cancel", { confirmed: "yes" })).headers.get("location")).toBe(`${back}?cancelled`);
  await expect(visit(other, { flow_data })).rejects.toThrow("does not belong");
  await days(2);
  expect((await fetch(session.url)).status).toBe(410);
  const subscription_update_confirm = {
    subscription: other.id,
    items: [{ id: other.items.data[0]?.id ?? "", price: own.max.id }],
  };
  const confirm = await visit(other, {
    flow_data: { type: "subscription_update_confirm", subscription_update_confirm },
  });
  await act(confirm, "confirm");
  expect((await again(other)).items.data[0]?.price.id).toBe(own.max.id);
});
