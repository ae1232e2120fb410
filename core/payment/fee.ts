import type { Tx } from "../../drizzle/tenant.js";
import { subscriptionTable } from "../billing/billing.sql.js";
import { planOf, platformFee } from "../entitlement/plan.js";

/** What the platform keeps of a payment of this amount, by the tenant's plan: minor units, never more than half. */
export async function feeOf(tx: Tx, amount: number): Promise<number> {
  const [subscription] = await tx.select({ plan: subscriptionTable.plan }).from(subscriptionTable);
  return Math.min(platformFee(planOf(subscription?.plan ?? "trial"), amount), Math.floor(amount / 2));
}
