import { and, desc, eq, isNull } from "drizzle-orm";
import type Stripe from "stripe";
import { faultOf } from "../../drizzle/fault.js";
import { tenantId } from "../kernel/actor.js";
import { db, read } from "../kernel/db.js";
import { conflict, providerFault } from "../kernel/error.js";
import { emit } from "../kernel/event/index.js";
import {
  createOrFind,
  instantOf,
  isKeyExpired,
  listAll,
  modeOf,
  requestIdempotencyKey,
  secondsOf,
  stripeFor,
  withRetry,
} from "../stripe/index.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { PaymentAccountId, paymentAccountTable } from "./payment-account.sql.js";
import {
  deauthorizedValues,
  isCurrent,
  isStripe,
  PaymentAccountDeauthorized,
  type PaymentAccountRow,
  sync,
} from "./sync.js";

/**
 * Connects the tenant: makes its account at Stripe, or finds the existing one and reads its state. The row comes first,
 * and its id is the idempotency key of the account's creation: a retry after a crash and a concurrent request find the
 * same account.
 * @throws Failure conflict, OutcomeUnknown
 */
export async function connectAccount(): Promise<PaymentAccountRow> {
  try {
    return await findOrCreateAccount();
  } catch (error) {
    // A concurrent request has connected another account in the meantime.
    if (faultOf(error)?.constraint === "payment_account_provider") return findOrCreateAccount();
    throw error;
  }
}

async function findOrCreateAccount(): Promise<PaymentAccountRow> {
  const { livemode, country } = await tenantProfile();
  const row = await findCurrent(livemode);
  if (row?.account) return (await sync(row)) ?? findOrCreateAccount();
  if (!row) {
    const former = await findPrevious(livemode);
    const revived = former && (await sync(former, true));
    if (revived) return revived;
  }
  const intent = row ?? (await insertAccount(livemode));
  const account = await createAtStripe(intent, country);
  await saveAccountId(intent, account);
  const made = await sync(intent);
  if (!made) throw new Error(`Stripe does not find the account ${account} that it has just created.`);
  return made;
}

/** The tenant's country, and the mode of the key that serves it. */
async function tenantProfile() {
  const [tenant] = await read((q) =>
    q.select({ livemode: tenantTableRoot.livemode, country: tenantTableRoot.country }).from(tenantTableRoot),
  );
  if (!tenant) throw new Error("The tenant does not exist.");
  return { livemode: modeOf(tenant.livemode), country: tenant.country };
}

/** The row in use. A row of the other mode is deauthorized here, because its key no longer serves this tenant. */
async function findCurrent(livemode: boolean): Promise<PaymentAccountRow | undefined> {
  const [row] = await read((q) => q.select().from(paymentAccountTable).where(isCurrent));
  if (!row || row.livemode === livemode) return row;
  await db(async (tx) => {
    await tx.update(paymentAccountTable).set(deauthorizedValues).where(eq(paymentAccountTable.id, row.id));
    emit(PaymentAccountDeauthorized, { paymentAccountId: row.id, account: row.account });
  });
  return undefined;
}

/** An account that was disconnected here and may still be connected at Stripe. */
async function findPrevious(livemode: boolean): Promise<PaymentAccountRow | undefined> {
  const [row] = await read((q) =>
    q
      .select()
      .from(paymentAccountTable)
      .where(and(isStripe, eq(paymentAccountTable.livemode, livemode)))
      .orderBy(desc(paymentAccountTable.id))
      .limit(1),
  );
  return row?.account ? row : undefined;
}

/** Commits the row of the account before Stripe is called. */
async function insertAccount(livemode: boolean): Promise<PaymentAccountRow> {
  await db((tx) =>
    tx
      .insert(paymentAccountTable)
      .values({ id: PaymentAccountId.create(), provider: "stripe", livemode })
      .onConflictDoNothing(),
  );
  const row = await findCurrent(livemode);
  if (!row) throw new Error("The inserted row was not found.");
  return row;
}

/**
 * The terms of a Standard account: the merchant has Stripe's own dashboard, pays Stripe's fees, owes its losses to
 * Stripe and gives its documents to Stripe. All parameters come from values that never change, because Stripe refuses a
 * call that repeats an idempotency key with other parameters.
 * @see https://docs.stripe.com/connect/migrate-to-controller-properties
 */
const paramsOf = ({ id }: PaymentAccountRow, country: string): Stripe.AccountCreateParams => ({
  country,
  controller: {
    fees: { payer: "account" },
    losses: { payments: "stripe" },
    requirement_collection: "stripe",
    stripe_dashboard: { type: "full" },
  },
  capabilities: { card_payments: { requested: true }, transfers: { requested: true } },
  metadata: { stoa_account: id, stoa_tenant: tenantId() },
});

async function createAtStripe(intent: PaymentAccountRow, country: string): Promise<string> {
  const stripe = await stripeFor(intent.livemode);
  const find = async () => {
    const created = { gte: secondsOf(intent.createdAt) - 300 };
    for await (const one of listAll((page) => stripe.accounts.list({ created, ...page }))) {
      if (one.metadata?.stoa_account === intent.id) return one;
    }
    return undefined;
  };
  if (isKeyExpired(intent.createdAt)) {
    const found = await find();
    if (found) return found.id;
    // Its key could make a second one: a new row has a new key.
    await db((tx) =>
      tx
        .delete(paymentAccountTable)
        .where(and(eq(paymentAccountTable.id, intent.id), isNull(paymentAccountTable.account))),
    );
    return createAtStripe(await insertAccount(intent.livemode), country);
  }
  const create = () => stripe.accounts.create(paramsOf(intent, country), { idempotencyKey: intent.id });
  const answer = await createOrFind(create, find);
  if ("done" in answer) return answer.done.id;
  const { code, message, param } = answer.refusal;
  const refused = new Error(`Stripe refused to create an account: ${message}`);
  if (!/country/.test(`${param} ${code}`)) throw providerFault("payment.provider_fault", undefined, refused);
  throw conflict("payment_account.refused", "The provider refused to create an account; see `reason`.", {
    data: { reason: code, detail: message },
  });
}

/** Saves the id of the account in its row. A unique index ensures that two tenants never have the same account. */
async function saveAccountId({ id }: PaymentAccountRow, account: string): Promise<void> {
  try {
    await db((tx) =>
      tx
        .update(paymentAccountTable)
        .set({ account })
        .where(and(eq(paymentAccountTable.id, id), isNull(paymentAccountTable.account))),
    );
  } catch (error) {
    if (faultOf(error)?.constraint !== "payment_account_account") throw error;
    throw conflict("payment_account.taken", "The Stripe account is connected to another tenant.");
  }
}

/** The link to Stripe's page on which the merchant gives its details; it works once, and for some minutes only. */
export async function createOnboardingLink(
  { account, livemode }: PaymentAccountRow,
  urls: { returnUrl: string; refreshUrl: string },
) {
  const stripe = await stripeFor(livemode);
  const params: Stripe.AccountLinkCreateParams = {
    account: account ?? "",
    type: "account_onboarding",
    return_url: urls.returnUrl,
    refresh_url: urls.refreshUrl,
  };
  const idempotencyKey = requestIdempotencyKey("link", urls);
  const { url, expires_at } = await withRetry(() => stripe.accountLinks.create(params, { idempotencyKey }));
  return { url, expiresAt: instantOf(expires_at) };
}
