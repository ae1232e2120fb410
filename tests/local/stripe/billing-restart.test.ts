import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Stripe from "stripe";
import { expect, onTestFinished, test } from "vitest";
import { createClock } from "../../../stacks/local/lambda/clock.js";
import { startStripe } from "../../../stacks/local/stripe/server.js";

const secretKey = "sk_test_restart";

test("subscriptions, settings and what is due outlive a restart of the host", async () => {
  const dir = await mkdtemp(join(tmpdir(), "stripe-billing-"));
  onTestFinished(() => rm(dir, { recursive: true }));
  const clock = createClock();
  onTestFinished(() => clock.stop());
  const start = async () => {
    const standIn = await startStripe({ clock, secretKey, file: join(dir, "stripe.jsonl") });
    const stripe = new Stripe(secretKey, { host: "127.0.0.1", port: standIn.port, protocol: "http" });
    return { standIn, stripe };
  };
  const { standIn: before, stripe } = await start();
  const { id: price } = await stripe.prices.create({
    currency: "eur",
    unit_amount: 2900,
    recurring: { interval: "month" },
    product_data: { name: "Pro" },
  });
  const method = { payment_method: "pm_card_chargeCustomerFail" };
  const settings = { invoice_settings: { default_payment_method: "pm_card_chargeCustomerFail" } };
  const { id: customer } = await stripe.customers.create({ ...method, ...settings });
  const trial = await stripe.subscriptions.create({ customer, items: [{ price }], trial_period_days: 7 });
  before.act("billing_settings", { after_retries: "unpaid", retry_days: [1] });
  await before.stop();

  const { standIn, stripe: again } = await start();
  onTestFinished(() => standIn.stop());
  await clock.advance(8 * 86_400_000);
  expect(await again.subscriptions.retrieve(trial.id)).toMatchObject({ status: "past_due" });
  await clock.advance(2 * 86_400_000);
  expect(await again.subscriptions.retrieve(trial.id)).toMatchObject({ status: "unpaid" });
  const { data } = await again.invoices.list({ subscription: trial.id });
  expect(data.map(({ status, attempt_count }) => [status, attempt_count])).toEqual([
    ["open", 2],
    ["paid", 0],
  ]);
});
