import * as z from "zod";
import { db } from "../db.js";
import { Incident } from "../incident/index.js";
import { defineJob } from "../job/index.js";
import { stripeFor } from "../stripe/client.js";
import type { StripeHandler } from "../stripe/event.js";
import { stripeTypes } from "../stripe/type.js";
import { aliveOf, factsOf, subscriptionsOf } from "./facts.js";
import { load, unchanged } from "./row.js";
import { hold, settle } from "./settle.js";

/** Times that we ask Stripe before somebody else is let ahead. */
const ATTEMPTS = 5;

/**
 * Makes the row of the actor's tenant what Stripe says now. The version is read before Stripe is asked and compared
 * when the answer is written: whoever asked earlier and comes later finds that it has changed, and asks again. So it
 * does not matter which events arrived, how often or in what order, if one came after the last change, or we looked by
 * ourselves.
 * @returns whether there was anybody to ask for
 * @throws Unresolved when Stripe does not answer, Error when others were always faster
 */
export async function sync(): Promise<boolean> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const { row } = await load();
    if (row.customer === null || row.livemode === null) return false;
    const stripe = await stripeFor(row.livemode);
    const all = await subscriptionsOf(stripe, row.customer);
    const facts = await factsOf(stripe, all);
    const [, ...surplus] = aliveOf(all).map(({ id }) => id);
    const written = await db(async (tx) => {
      const held = await hold(tx, unchanged(row));
      if (!held) return false;
      await settle(tx, held, facts, held.row.dunningStep);
      // Which of two to end, and what to give back, is for people to decide.
      if (surplus.length > 0) await Incident.open("billing.subscribed_twice", `${row.customer}`, { surplus });
      return true;
    });
    if (written) return true;
  }
  throw new Error("The subscription changed each time that it was asked for.");
}

/** A tenant that was looked at by ourselves: what a lost webhook would have told. */
export const syncJob = defineJob("billing.sync", z.object({}), sync);

/** What any of these is about is read from Stripe, so that one answer serves all of them. */
export const billingHandlers: StripeHandler[] = [{ endpoint: "platform", types: stripeTypes.platform, run: sync }];
