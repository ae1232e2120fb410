export * as PaymentAccount from "./index.js";

import { and, asc, desc, eq, sql } from "drizzle-orm";
import * as z from "zod";
import type { Reader } from "../../drizzle/reader.js";
import type { Tx } from "../../drizzle/tenant.js";
import { planCode, planOf, platformFee } from "../entitlement/index.js";
import { afterCommit } from "../kernel/after-commit.js";
import { db, read } from "../kernel/db.js";
import { conflict, invalidField, notFound } from "../kernel/error.js";
import { emit } from "../kernel/event/index.js";
import { fn } from "../kernel/fn.js";
import type { Currency } from "../kernel/money.js";
import { pageUrl } from "../kernel/url.js";
import { bump, staleVersion } from "../kernel/version.js";
import { amountRefusal, faultSideOf, modeOf, refusalOf, withinRequest } from "../stripe/index.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { connectAccount, createOnboardingLink } from "./onboarding.js";
import { captureModes, PaymentAccountId, paymentAccountTable } from "./payment-account.sql.js";
import {
  AccountStatus,
  deauthorizedValues,
  isCurrent,
  isStripe,
  PaymentAccountDeauthorized,
  type PaymentAccountRow,
  PaymentAccountUpdated,
  recheckAccount,
} from "./sync.js";

export { checkMode, paymentAccountEvents, paymentAccountHandlers, recheckAccount } from "./sync.js";

export const PaymentAccountRecord = z
  .object({
    id: PaymentAccountId,
    provider: z.string(),
    account: z
      .string()
      .nullable()
      .meta({ description: "The provider's id of the account", examples: ["acct_1Nv0FGQ9RKHgCVdK"] }),
    livemode: z.boolean(),
    status: AccountStatus.meta({
      description:
        "`onboarding`: the merchant has not finished onboarding. `active`: charges are enabled. `restricted`: charges are disabled, see `requirements`. `deauthorized`: the account is disconnected",
    }),
    chargesEnabled: z.boolean(),
    payoutsEnabled: z.boolean(),
    detailsSubmitted: z.boolean(),
    capabilities: z.record(z.string(), z.string()),
    requirements: z
      .array(z.string())
      .meta({ description: "The details that the provider still needs, by the provider's names" }),
    capture: z
      .enum(captureModes)
      .meta({ description: "`automatic`: capture as soon as the order is open. `manual`: capture on request" }),
    version: z.int(),
    createdAt: z.string(),
  })
  .meta({ id: "PaymentAccount" });

const view = ({
  tenantId: _,
  updatedAt: __,
  connectedAt: ___,
  reconciledAt: ____,
  ...shown
}: PaymentAccountRow): z.input<typeof PaymentAccountRecord> => shown;

const none = () => notFound("payment_account");

/** The one in use; when there is none, the last one that was. */
export const get = fn(z.void(), async () => {
  const [row] = await read((q) =>
    q
      .select()
      .from(paymentAccountTable)
      .where(isStripe)
      .orderBy(asc(sql`${paymentAccountTable.status} = 'deauthorized'`), desc(paymentAccountTable.id))
      .limit(1),
  );
  if (!row) throw none();
  return view(row);
});

/**
 * Makes the tenant's account at the provider, or reads the present state of the one that it has.
 * @throws Failure conflict `payment_account.refused`, `payment_account.taken` or `payment.provider_unavailable`
 */
export const connect = fn(z.void(), () =>
  afterCommit(() => withinRequest("payment", async () => view(await connectAccount()))),
);

const page = pageUrl(1_500);
export const Onboarding = z.strictObject({
  returnUrl: page.meta({
    description:
      "The page to which Stripe returns the merchant. Get the account afterward: returning does not mean that onboarding is finished",
  }),
  refreshUrl: page.meta({
    description:
      "The page to which Stripe sends the merchant when the link has expired or was already used. Create another link there",
  }),
});
export const OnboardingLink = z.object({ url: z.url(), expiresAt: z.string() }).meta({ id: "OnboardingLink" });

/** The provider's page on which the merchant gives its details. @throws Failure not_found, invalid, conflict */
export const onboard = fn(Onboarding, (urls) =>
  db(async (tx) => {
    const [row] = await tx.select().from(paymentAccountTable).where(isCurrent);
    if (!row?.account) throw none();
    if (row.livemode) requireHttps(urls);
    const fields = { return_url: "/returnUrl", refresh_url: "/refreshUrl" };
    return afterCommit(() => withinRequest("payment", () => createLink(row, urls), fields));
  }),
);

type Urls = z.output<typeof Onboarding>;

/** Stripe sends the merchants of live accounts to encrypted pages only. @throws Failure invalid */
function requireHttps(urls: Urls): void {
  for (const [field, url] of Object.entries(urls))
    if (!url.startsWith("https:")) throw invalidField(`/${field}`, "must begin with https:// for a live account");
}

/** @throws Failure conflict `payment_account.refused` for an account that is not connected any more */
async function createLink(row: PaymentAccountRow, urls: Urls) {
  try {
    return await createOnboardingLink(row, urls);
  } catch (error) {
    const refusal = refusalOf(error);
    if (!refusal || faultSideOf(error) !== "account") throw error;
    await recheckAccount(row);
    throw conflict("payment_account.refused", "The provider refused to create an onboarding link; see `reason`.", {
      data: { reason: refusal.code, detail: refusal.message },
    });
  }
}

export const Change = z.strictObject({
  capture: z
    .enum(captureModes)
    .describe("`automatic`: money is taken as soon as the order is open. `manual`: when the staff captures it"),
});

/** @throws Failure not_found or stale */
export const update = fn(Change.extend({ version: z.int().optional() }), ({ capture, version }) =>
  db(async (tx) => {
    const [row] = await tx
      .update(paymentAccountTable)
      .set({ capture, version: bump(paymentAccountTable) })
      .where(and(isCurrent, hasVersion(version)))
      .returning();
    if (!row) throw await staleOrMissing(tx);
    const { id: paymentAccountId, account, status, chargesEnabled, payoutsEnabled } = row;
    emit(PaymentAccountUpdated, { paymentAccountId, account, status, chargesEnabled, payoutsEnabled });
    return view(row);
  }),
);

/**
 * Ends new charges on the account. The account stays the merchant's, with all its payments: refunds and disputes go on,
 * and connecting again finds it. The connection itself is ended in the provider's dashboard.
 * @throws Failure not_found or stale
 */
export const disconnect = fn(z.object({ version: z.int().optional() }), ({ version }) =>
  db(async (tx) => {
    const [row] = await tx
      .update(paymentAccountTable)
      .set(deauthorizedValues)
      .where(and(isCurrent, hasVersion(version)))
      .returning();
    if (!row) throw await staleOrMissing(tx);
    emit(PaymentAccountDeauthorized, { paymentAccountId: row.id, account: row.account });
  }),
);

const hasVersion = (version: number | undefined) =>
  version === undefined ? undefined : eq(paymentAccountTable.version, version);

async function staleOrMissing(tx: Tx) {
  const [row] = await tx.select({ version: paymentAccountTable.version }).from(paymentAccountTable).where(isCurrent);
  return row ? staleVersion("payment account", row.version) : none();
}

/** What decides whether the merchant's account can be charged, as a row of JSON in a query of another domain. */
export interface ChargeableAccount {
  account: string | null;
  livemode: boolean;
  charges: boolean;
  tenantLivemode: boolean;
}
export const chargeableQuery = (q: Reader) =>
  q
    .select({
      value: sql`json_build_object('account', ${paymentAccountTable.account}, 'livemode', ${paymentAccountTable.livemode},
        'charges', ${paymentAccountTable.chargesEnabled}, 'tenantLivemode', ${tenantTableRoot.livemode})`,
    })
    .from(paymentAccountTable)
    .innerJoin(tenantTableRoot, sql`true`)
    .where(isCurrent);

/**
 * The reason why an amount cannot be charged on an account, as far as it is known before the provider is asked; undefined
 * when there is none.
 */
export function chargeRefusal(of: ChargeableAccount | null, due: { amount: number; currency: Currency }) {
  if (!of?.charges || !of.account || of.livemode !== modeOf(of.tenantLivemode))
    return conflict("payment.provider_unavailable", "The merchant's payment account cannot accept charges now.");
  return amountRefusal(due.amount, due.currency);
}

/**
 * The account on which a new payment is charged, and the application fee of the tenant's plan, in the open transaction.
 * @param due the amount to charge, in minor units: refused here when the provider cannot charge it
 * @throws Failure conflict `payment.provider_unavailable`, `payment.currency_unsupported`, `payment.amount_unsupported` or
 * `payment.amount_too_small`
 */
export async function chargeableAccount(tx: Tx, due: { amount: number; currency: Currency }) {
  const [row] = await tx
    .select({
      account: paymentAccountTable.account,
      livemode: paymentAccountTable.livemode,
      charges: paymentAccountTable.chargesEnabled,
      tenantLivemode: tenantTableRoot.livemode,
      plan: planCode,
    })
    .from(paymentAccountTable)
    .innerJoin(tenantTableRoot, sql`true`)
    .where(isCurrent);
  const refusal = chargeRefusal(row ?? null, due);
  if (refusal || !row?.account) throw refusal;
  return { account: row.account, livemode: row.livemode, fee: applicationFeeOf(row.plan, due.amount) };
}

/** The platform's share of a payment by the tenant's plan, in minor units: never more than half of the payment. */
const applicationFeeOf = (plan: string, amount: number): number =>
  Math.min(platformFee(planOf(plan), amount), Math.floor(amount / 2));
