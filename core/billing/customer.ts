import { and, asc, eq, isNull, ne, or } from "drizzle-orm";
import type Stripe from "stripe";
import { memberTable } from "../identity/identity.sql.js";
import { tenantId } from "../kernel/actor.js";
import { db, read } from "../kernel/db.js";
import { enqueue } from "../kernel/job/index.js";
import { bump } from "../kernel/version.js";
import { isGone, modeOf, refusalOf, stripeFor } from "../stripe/index.js";
import { type BillingAccount, loadLiveAccount } from "./account.js";
import { subscriptionTable } from "./billing.sql.js";
import { idempotencyKeyOf, withIdempotencyKey } from "./call.js";
import { syncSubscriptionJob } from "./job.js";
import { customerStateOf, hasBegun } from "./stripe-subscription.js";

/**
 * Stripe's client for the mode of this deployment, and the tenant's customer there; undefined without one in this mode.
 */
export async function findCustomer({ row }: BillingAccount): Promise<{ stripe: Stripe; customer: string | undefined }> {
  const livemode = modeOf(true);
  const stripe = await stripeFor(livemode);
  return { stripe, customer: row.livemode === livemode ? (row.customer ?? undefined) : undefined };
}

/** A refusal of the customer whose id our row has: it was deleted at Stripe. */
const isCustomerGone = (error: unknown): boolean =>
  isGone(error) && /customer/.test(`${refusalOf(error)?.param} ${refusalOf(error)?.message}`);

/** The refusal of a price, product or configuration that was archived after it was found. */
const isArchived = (error: unknown): boolean =>
  /\b(inactive|not active|archived)\b/.test(refusalOf(error)?.message ?? "");

interface TenantAtStripe {
  account: BillingAccount;
  stripe: Stripe;
  customer: string;
}

/**
 * Runs calls for the tenant's customer at Stripe, which is found or created. When Stripe does not have an object whose
 * id we gave, the calls run once more, because each of them looks for its objects anew; a customer that is gone is
 * replaced first.
 */
export async function withCustomer<T>(run: (tenant: TenantAtStripe) => Promise<T>): Promise<T> {
  const attempt = async () => run(await findOrCreateCustomer(await loadLiveAccount()));
  try {
    return await attempt();
  } catch (error) {
    if (!isGone(error) && !isArchived(error)) throw error;
    if (isCustomerGone(error) && !(await replaceCustomer())) throw error;
    return attempt();
  }
}

/**
 * Finds or creates the tenant's customer at Stripe. The creation sends only the tenant's id, under an idempotency key
 * made of it, and the customer's id is stored before its name is set: a concurrent or repeated request finds the same
 * customer.
 */
async function findOrCreateCustomer(account: BillingAccount): Promise<TenantAtStripe> {
  const { stripe, customer: known } = await findCustomer(account);
  if (known !== undefined) return { account, stripe, customer: known };
  const found = await createCustomer(stripe, `customer/${tenantId()}`);
  await saveCustomer(account, found);
  await nameCustomer(stripe, account, found.customer);
  return { account, stripe, customer: found.customer };
}

/**
 * Puts a new customer in the place of a deleted one. Its key names that one, because Stripe repeats a key's answer. A
 * customer that Stripe does not know at all is not replaced while it has a subscription: our key may be a wrong one.
 * @returns whether the tenant has another customer now
 */
async function replaceCustomer(): Promise<boolean> {
  const account = await loadLiveAccount();
  const { stripe, customer: gone } = await findCustomer(account);
  if (gone === undefined) return true;
  const state = await customerStateOf(stripe, gone);
  if (state === "present") return true;
  if (state === "unknown" && hasBegun(account.row) && account.row.status !== "canceled") return false;
  const found = await createCustomer(stripe, `customer/${tenantId()}/after/${gone}`);
  await db(async (tx) => {
    const [row] = await tx
      .update(subscriptionTable)
      .set({ ...found, version: bump(subscriptionTable) })
      .where(eq(subscriptionTable.customer, gone))
      .returning({ version: subscriptionTable.version });
    // The subscriptions of the deleted customer have ended, also when no webhook has said so.
    if (row) enqueue(syncSubscriptionJob, {}, { key: `after/${gone}` });
  });
  await nameCustomer(stripe, account, found.customer);
  return true;
}

const createCustomer = async (stripe: Stripe, key: string) => {
  const { id: customer, livemode } = await withIdempotencyKey(key, (options) =>
    stripe.customers.create({ metadata: { tenant: tenantId() } }, options),
  );
  return { customer, livemode };
};

async function nameCustomer(stripe: Stripe, { tenant: { name } }: BillingAccount, customer: string): Promise<void> {
  const [owner] = await read((q) =>
    q
      .select({ email: memberTable.email })
      .from(memberTable)
      .where(and(eq(memberTable.role, "OWNER"), eq(memberTable.status, "active")))
      .orderBy(asc(memberTable.id))
      .limit(1),
  );
  const named = { name, ...owner };
  await withIdempotencyKey(idempotencyKeyOf("name", customer, named), (options) =>
    stripe.customers.update(customer, named, options),
  );
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
