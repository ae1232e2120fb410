import { and, asc, eq, isNull, ne, or } from "drizzle-orm";
import type Stripe from "stripe";
import { memberTable } from "../identity/identity.sql.js";
import { tenantId } from "../kernel/actor.js";
import { db, read } from "../kernel/db.js";
import { bump } from "../kernel/version.js";
import { modeOf, stripeFor } from "../stripe/index.js";
import type { BillingAccount } from "./account.js";
import { subscriptionTable } from "./billing.sql.js";
import { idempotencyKeyOf, withIdempotencyKey } from "./call.js";

/**
 * Stripe's client for the mode of this deployment, and the tenant's customer there; undefined without one in this mode.
 */
export async function findCustomer({ row }: BillingAccount): Promise<{ stripe: Stripe; customer: string | undefined }> {
  const livemode = modeOf(true);
  const stripe = await stripeFor(livemode);
  return { stripe, customer: row.livemode === livemode ? (row.customer ?? undefined) : undefined };
}

/**
 * Finds or creates the tenant's customer at Stripe. The creation sends only the tenant's id, under an idempotency key
 * made of it, and the customer's id is stored before its name is set: a concurrent or repeated request finds the same
 * customer.
 */
export async function findOrCreateCustomer(account: BillingAccount): Promise<{ stripe: Stripe; customer: string }> {
  const { stripe, customer: known } = await findCustomer(account);
  if (known !== undefined) return { stripe, customer: known };
  const tenant = tenantId();
  const { id: customer, livemode } = await withIdempotencyKey(`customer/${tenant}`, (options) =>
    stripe.customers.create({ metadata: { tenant } }, options),
  );
  await saveCustomer(account, { customer, livemode });
  const [owner] = await read((q) =>
    q
      .select({ email: memberTable.email })
      .from(memberTable)
      .where(and(eq(memberTable.role, "OWNER"), eq(memberTable.status, "active")))
      .orderBy(asc(memberTable.id))
      .limit(1),
  );
  const named = { name: account.tenant.name, ...owner };
  await withIdempotencyKey(idempotencyKeyOf("name", named), (options) =>
    stripe.customers.update(customer, named, options),
  );
  return { stripe, customer };
}

const saveCustomer = ({ row }: BillingAccount, found: { customer: string; livemode: boolean }) =>
  db((tx) =>
    tx
      .insert(subscriptionTable)
      .values({ ...row, ...found, version: 1 })
      .onConflictDoUpdate({
        target: [subscriptionTable.tenantId],
        set: { ...found, version: bump(subscriptionTable) },
        setWhere: or(isNull(subscriptionTable.customer), ne(subscriptionTable.livemode, found.livemode)),
      }),
  );
