import type { Tx } from "../../drizzle/tenant.js";
import { planCode } from "../entitlement/index.js";
import { planOf, platformFee } from "../entitlement/plan.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";

/** What the platform keeps of a payment of this amount, by the tenant's plan: minor units, never more than half. */
export async function feeOf(tx: Tx, amount: number): Promise<number> {
  const [tenant] = await tx.select({ plan: planCode }).from(tenantTableRoot);
  return Math.min(platformFee(planOf(tenant?.plan ?? "trial"), amount), Math.floor(amount / 2));
}
