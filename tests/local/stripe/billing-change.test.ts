import fc from "fast-check";
import type Stripe from "stripe";
import { expect, test } from "vitest";
import { remaining } from "../../../stacks/local/stripe/billing/period.js";
import { billing, day } from "./billing.js";

const { own, plan, subscribe, customer, days, again, invoices, events } = billing();

const itemOf = ({ items }: Stripe.Subscription) => {
  const [item] = items.data;
  if (!item) throw new Error("no item");
  return item;
};
const to = (made: Stripe.Subscription, price: Stripe.Price) => [{ id: itemOf(made).id, price: price.id }];
const periodOf = (made: Stripe.Subscription) => ({
  start: itemOf(made).current_period_start,
  end: itemOf(made).current_period_end,
});
const now = () => Math.floor(own.clock.now() / 1000);
/** What a preview and an invoice have in common. */
const sum = ({ subtotal, total, amount_due, lines }: Stripe.Invoice) => ({
  ...{ subtotal, total, amount_due },
  lines: lines.data.map(({ amount, description, period, parent }) => ({
    ...{ amount, description, period },
    proration: parent?.subscription_item_details?.proration,
  })),
});

test("an upgrade costs what its preview said, to the second", async () => {
  const made = await subscribe();
  await days(10);
  const proration_date = now();
  const changes = { items: to(made, own.max), proration_behavior: "always_invoice" as const, proration_date };
  const preview = await own.stripe.invoices.createPreview({ subscription: made.id, subscription_details: changes });
  const left = (amount: number) => remaining(amount, periodOf(made), proration_date);
  expect(preview.lines.data.map(({ amount }) => amount)).toEqual([-left(2900), left(9900)]);
  expect(preview.parent?.subscription_details?.subscription_proration_date).toBe(proration_date);
  events();
  await own.clock.advance(7000);
  const changed = await own.stripe.subscriptions.update(made.id, { ...changes, expand: ["latest_invoice"] });
  expect(sum(changed.latest_invoice as Stripe.Invoice)).toEqual(sum(preview));
  expect(changed.latest_invoice).toMatchObject({ status: "paid", billing_reason: "subscription_update" });
  expect(events()).toEqual([
    ...["invoiceitem.created", "invoiceitem.created", "customer.subscription.updated", "invoice.created"],
    ...["invoice.finalized", "invoice_payment.paid", "invoice.updated", "invoice.paid", "invoice.payment_succeeded"],
  ]);
  expect(itemOf(changed)).toMatchObject({ id: itemOf(made).id, price: { lookup_key: "max_month" }, ...{} });
  expect(periodOf(changed)).toEqual(periodOf(made));
});

test("prorations wait for the renewal unless they are invoiced at once", async () => {
  const made = await subscribe();
  await days(10);
  const proration_date = now();
  const changes = { items: to(made, own.max), proration_date };
  const preview = await own.stripe.invoices.createPreview({ subscription: made.id, subscription_details: changes });
  await own.stripe.subscriptions.update(made.id, changes);
  const owner = { customer: String(made.customer) };
  expect((await own.stripe.invoiceItems.list({ ...owner, pending: true })).data.length).toBe(2);
  expect((await invoices(made)).length).toBe(1);
  await days(22);
  const [renewal] = await invoices(made);
  expect(renewal && sum(renewal)).toEqual(sum(preview));
  expect(renewal?.lines.data.at(-1)).toMatchObject({ amount: 9900, description: "1 × MAX (at €99.00 / month)" });
  expect((await own.stripe.invoiceItems.list({ ...owner, pending: true })).data).toEqual([]);
  const none = { items: to(made, own.pro), proration_behavior: "none" as const };
  await own.stripe.subscriptions.update(made.id, none);
  expect((await own.stripe.invoiceItems.list({ ...owner, pending: true })).data).toEqual([]);
});

test("a downgrade that is invoiced goes to the balance, which pays the next invoice", async () => {
  const made = await subscribe(own.max);
  await days(3);
  const changes = { items: to(made, own.pro), proration_behavior: "always_invoice" as const };
  await own.stripe.subscriptions.update(made.id, changes);
  const [credit] = await invoices(made);
  expect(credit).toMatchObject({ status: "paid", amount_due: 0, amount_paid: 0, ending_balance: credit?.total });
  expect(await own.stripe.customers.retrieve(String(made.customer))).toMatchObject({ balance: credit?.total });
  expect(credit?.total).toBeLessThan(-2900);
  const preview = await own.stripe.invoices.createPreview({ subscription: made.id });
  await days(31);
  const [renewal] = await invoices(made);
  expect(renewal).toMatchObject({ amount_due: 0, total: 2900, starting_balance: credit?.total });
  expect(renewal && sum(renewal)).toEqual(sum(preview));
});

test("a credit gives back what was paid, not what today's price would be", async () => {
  const made = await subscribe();
  await days(10);
  const change = async (price: Stripe.Price) => {
    const items = to(made, price);
    await own.stripe.subscriptions.update(made.id, { items, proration_behavior: "always_invoice" });
    return (await invoices(made))[0];
  };
  const up = await change(own.max);
  const down = await change(own.pro);
  expect(down?.lines.data[0]?.amount).toBe(-(up?.lines.data[1]?.amount ?? 0));
  expect(down?.lines.data[0]?.parent?.subscription_item_details?.proration_details?.credited_items).toEqual({
    invoice: up?.id,
    invoice_line_items: [up?.lines.data[1]?.id],
  });
  expect((down?.total ?? 0) + (up?.total ?? 0)).toBe(0);
});

test("whatever is changed and when, the sum of all invoices pays for the time of each plan", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }), async (waits) => {
      const made = await subscribe();
      const period = periodOf(made);
      let [fair, price, from] = [0, own.pro, period.start];
      for (const wait of waits) {
        await own.clock.advance(wait * 86_399_000);
        const proration_date = now();
        fair += ((price.unit_amount ?? 0) * (proration_date - from)) / (period.end - period.start);
        [price, from] = [price === own.pro ? own.max : own.pro, proration_date];
        const items = to(made, price);
        await own.stripe.subscriptions.update(made.id, { items, proration_date, proration_behavior: "always_invoice" });
      }
      fair += ((price.unit_amount ?? 0) * (period.end - from)) / (period.end - period.start);
      const total = (await invoices(made)).reduce((all, invoice) => all + invoice.total, 0);
      expect(Math.abs(total - fair)).toBeLessThanOrEqual(waits.length);
    }),
    { numRuns: 15 },
  );
});

test("a change that must be paid at once does not happen without its money", async () => {
  const made = await subscribe();
  own.standIn.act("fail_renewals", { subscription: made.id });
  events();
  const items = to(made, own.max);
  const shared = { items, proration_behavior: "always_invoice" as const };
  await expect(
    own.stripe.subscriptions.update(made.id, { ...shared, payment_behavior: "error_if_incomplete" }),
  ).rejects.toMatchObject({ code: "card_declined", statusCode: 402 });
  expect(events()).toEqual([]);
  expect(itemOf(await again(made)).price.id).toBe(own.pro.id);

  const waiting = await own.stripe.subscriptions.update(made.id, {
    ...shared,
    payment_behavior: "pending_if_incomplete",
  });
  expect(waiting).toMatchObject({
    status: "active",
    pending_update: { subscription_items: [{ price: { id: own.max.id } }] },
  });
  expect(itemOf(waiting).price.id).toBe(own.pro.id);
  own.standIn.act("succeed_renewals", { subscription: made.id });
  await own.stripe.invoices.pay(String(waiting.latest_invoice));
  expect(events(/pending/)).toEqual(["customer.subscription.pending_update_applied"]);
  const paid = await again(made);
  expect([itemOf(paid).price.id, paid.pending_update]).toEqual([own.max.id, null]);
});

test("a pending change that nobody pays is dropped after 23 hours; an allowed one leaves the subscription past due", async () => {
  const made = await subscribe();
  own.standIn.act("fail_renewals", { subscription: made.id });
  const shared = { items: to(made, own.max), proration_behavior: "always_invoice" as const };
  await own.stripe.subscriptions.update(made.id, { ...shared, payment_behavior: "pending_if_incomplete" });
  await days(1);
  expect(await again(made)).toMatchObject({ status: "active", pending_update: null });
  expect((await invoices(made))[0]).toMatchObject({ status: "void" });
  const changed = await own.stripe.subscriptions.update(made.id, shared);
  expect([changed.status, itemOf(changed).price.id]).toEqual(["past_due", own.max.id]);
});

test("items without an id are added, unknown ones refused, and a date outside of the period too", async () => {
  const made = await subscribe();
  const update = (params: Stripe.SubscriptionUpdateParams) => own.stripe.subscriptions.update(made.id, params);
  await expect(update({ items: [{ id: "si_none", price: own.max.id }] })).rejects.toMatchObject({
    code: "resource_missing",
  });
  await expect(update({ items: to(made, own.max), proration_date: now() + 40 * day })).rejects.toMatchObject({
    param: "proration_date",
  });
  await expect(update({ items: [{ id: itemOf(made).id, deleted: true }] })).rejects.toThrow("at least one");
  await own.stripe.prices.update(own.max.id, { active: false });
  await expect(update({ items: to(made, own.max) })).rejects.toThrow("inactive");
  const year = await plan("max", 99_000, "year");
  const both = await update({ items: [{ price: year.id }], proration_behavior: "none" });
  expect(both.items.data.map(({ price }) => price.id)).toEqual([own.pro.id, year.id]);
  await days(33);
  expect((await invoices(made))[0]?.lines.data.map(({ amount }) => amount)).toEqual([2900]);
});

test("a new cycle begins when asked for, and at the end of a trial", async () => {
  const made = await subscribe();
  await days(10);
  const reset = await own.stripe.subscriptions.update(made.id, { billing_cycle_anchor: { type: "now" } });
  expect([reset.billing_cycle_anchor, periodOf(reset).start]).toEqual([now(), now()]);
  const [invoice] = await invoices(made);
  expect(invoice?.lines.data.map(({ amount }) => amount)).toEqual([-remaining(2900, periodOf(made), now()), 2900]);
  const trial = await subscribe(own.pro, { trial_period_days: 14 });
  const changes = { items: to(trial, own.max), trial_end: "now" as const };
  const preview = await own.stripe.invoices.createPreview({ subscription: trial.id, subscription_details: changes });
  const paid = await own.stripe.subscriptions.update(trial.id, changes);
  expect([paid.status, periodOf(paid).start, preview.amount_due]).toEqual(["active", now(), 9900]);
  expect((await invoices(trial))[0]).toMatchObject({ amount_paid: 9900, status: "paid" });
});

test("a repeated request changes nothing twice", async () => {
  const { id } = await customer();
  const terms = { customer: id, items: [{ price: own.pro.id }] };
  const create = () => own.stripe.subscriptions.create(terms, { idempotencyKey: "subscribe-1" });
  const [one, other] = [await create(), await create()];
  expect(other.id).toBe(one.id);
  const change = { items: to(one, own.max), proration_behavior: "always_invoice" as const };
  const update = () => own.stripe.subscriptions.update(one.id, change, { idempotencyKey: "change-1" });
  await update();
  await update();
  expect((await invoices(one)).length).toBe(2);
});
