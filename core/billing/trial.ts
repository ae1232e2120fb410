import { sql } from "drizzle-orm";
import type { Tx } from "../../drizzle/tenant.js";
import { initialPlan, plans } from "../entitlement/index.js";
import { subscriptionTable } from "./billing.sql.js";
import { stepsOf } from "./status.js";

const { trial } = plans;
const [first] = stepsOf(trial.dunning);

/**
 * Inserts the subscription row of a new tenant, in the transaction that opens it. A live tenant begins with a trial, by
 * the database's clock.
 */
export async function startTrial(tx: Tx, livemode: boolean): Promise<void> {
  const inDays = (days: number) => sql<string>`now() + make_interval(days => ${days})`;
  const until = { trialEndsAt: inDays(trial.trialDays), nextStepAt: inDays(trial.trialDays + (first?.day ?? 0)) };
  await tx.insert(subscriptionTable).values({ plan: initialPlan(livemode), ...(livemode && until) });
}
