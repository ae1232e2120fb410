import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { Incident } from "../incident/index.js";
import { db } from "../kernel/db.js";
import { defineJob } from "../kernel/job/index.js";
import { type StripeHandler, stripeFor } from "../stripe/index.js";
import { load, type Row, unchanged } from "./account.js";
import { hold, settle } from "./apply.js";
import { aliveOf, type Facts, factsOf, subscriptionsOf } from "./stripe-subscription.js";

/** Times that we ask Stripe before somebody else is let ahead; two are enough but for those who are very slow. */
const ATTEMPTS = 5;

/**
 * Makes the row of the actor's tenant what Stripe says now. The version is read before Stripe is asked and compared
 * when the answer is written: whoever asked earlier and comes later finds that it has changed, and asks again, unless
 * Stripe was asked for what is there after they had begun. So it does not matter which events arrived, how often or in
 * what order, if one came after the last change, or we looked by ourselves.
 * @returns whether there was anybody to ask for
 * @throws OutcomeUnknown when Stripe does not answer, Error when others were always faster
 */
export async function sync(): Promise<boolean> {
  let began: string | null = null;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const { row, at, isFresh } = await load(began);
    if (isFresh) return true;
    began ??= at;
    if (row.customer === null || row.livemode === null) return false;
    const stripe = await stripeFor(row.livemode);
    const all = await subscriptionsOf(stripe, row.customer);
    const told = { facts: await factsOf(stripe, all), alive: aliveOf(all), askedAt: at };
    if (await db((tx) => write(tx, row, told))) return true;
  }
  throw new Error("The subscription changed during every attempt to read it.");
}

interface Told {
  facts: Facts;
  alive: readonly { id: string }[];
  askedAt: string;
}

/** @returns false when the row is another one by now */
async function write(tx: Tx, row: Row, { facts, alive, askedAt }: Told): Promise<boolean> {
  const held = await hold(tx, unchanged(row));
  if (!held) return false;
  await settle(tx, held, facts, { steps: held.row.dunningStep, askedAt });
  const [, ...surplus] = alive.map(({ id }) => id);
  // Which of two to end, and what to give back, is for people to decide.
  if (surplus.length > 0) await Incident.open("billing.subscribed_twice", `${row.customer}`, { surplus });
  return true;
}

/** A tenant that was looked at by ourselves: what a lost webhook would have told. */
export const syncSubscriptionJob = defineJob("billing.sync", z.object({}));

/** What any of these is about is read from Stripe, so that one answer serves all of them. */
export const billingHandlers: readonly StripeHandler[] = [
  {
    name: "billing.subscription",
    endpoint: "platform",
    types: [
      "checkout.session.async_payment_failed",
      "checkout.session.async_payment_succeeded",
      "checkout.session.completed",
      "checkout.session.expired",
      "customer.deleted",
      "customer.subscription.created",
      "customer.subscription.deleted",
      "customer.subscription.paused",
      "customer.subscription.pending_update_applied",
      "customer.subscription.pending_update_expired",
      "customer.subscription.resumed",
      "customer.subscription.trial_will_end",
      "customer.subscription.updated",
      "invoice.finalized",
      "invoice.marked_uncollectible",
      "invoice.paid",
      "invoice.payment_action_required",
      "invoice.payment_failed",
      "invoice.payment_succeeded",
      "invoice.updated",
      "invoice.voided",
    ],
    run: sync,
  },
];
