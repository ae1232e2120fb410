import { eq, sql } from "drizzle-orm";
import { param, prepared } from "../../drizzle/prepared.js";
import type { Reader } from "../../drizzle/reader.js";
import { Failure } from "../kernel/error.js";
import type { UnpaidLimits } from "../payment/payment-method.sql.js";
import { orderTable } from "./order.sql.js";

/** The orders that wait for their payment, one that is being made included. */
interface UnpaidCounts {
  perAddress: number;
  perEmail: number;
  perTenant: number;
}

const countUnpaid = prepared((q, { email, addressKey }: { email: string; addressKey?: string | undefined }) => {
  const count = (which = sql`true`) => sql<number>`count(*) filter (where ${which})`.mapWith(Number);
  return q
    .select({
      perAddress: count(addressKey ? eq(orderTable.addressKey, param(addressKey, orderTable.addressKey)) : sql`false`),
      perEmail: count(sql`${orderTable.emailFolded} = lower(${param(email, orderTable.email)})`),
      perTenant: count(),
    })
    .from(orderTable)
    .where(eq(orderTable.status, "pending"));
});

/**
 * The statement that counts the unpaid orders of a tenant. It follows the one that has locked the tenant's counter of
 * orders, so that no order is made between the count and the commit.
 */
export const query = (q: Reader, { email, addressKey }: { email: string; addressKey: string | null }) =>
  countUnpaid(q, { email, addressKey: addressKey ?? undefined });

/** Seconds after which an unpaid order may have ended. */
const RETRY_AFTER = 900;

/** @throws Failure limited `order.unpaid_limit`, and the order is rolled back */
export function refuse(counts: UnpaidCounts, limits: Required<UnpaidLimits>): void {
  const names = ["perAddress", "perEmail", "perTenant"] as const;
  const exceeded = names.find((name) => counts[name] > limits[name]);
  if (!exceeded) return;
  throw new Failure(
    "limited",
    "order.unpaid_limit",
    "Too many orders wait for their payment. Pay or cancel one of them, or retry after `Retry-After` seconds.",
    { retryAfter: RETRY_AFTER, data: { limit: exceeded } },
  );
}
