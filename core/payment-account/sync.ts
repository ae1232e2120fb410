import { and, eq, ne, sql } from "drizzle-orm";
import type Stripe from "stripe";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { Incident } from "../incident/index.js";
import { db, read } from "../kernel/db.js";
import { defineEvent, emit } from "../kernel/event/index.js";
import { bump } from "../kernel/version.js";
import {
  faultSideOf,
  isOtherMode,
  type MerchantAccount,
  type StripeEvent,
  type StripeHandler,
  stripeFor,
  syncFromProvider,
  withRetry,
} from "../stripe/index.js";
import { tenantTableRoot } from "../tenant/tenant.sql.js";
import { accountStatuses, PaymentAccountId, paymentAccountTable } from "./payment-account.sql.js";

export const AccountStatus = z.enum(accountStatuses).meta({ id: "PaymentAccountStatus" });

const which = { paymentAccountId: PaymentAccountId, account: z.string().nullable() };
export const PaymentAccountUpdated = defineEvent(
  "payment_account.updated",
  z.object({ ...which, status: AccountStatus, chargesEnabled: z.boolean(), payoutsEnabled: z.boolean() }),
);
/** The account can no longer be charged. */
export const PaymentAccountDeauthorized = defineEvent("payment_account.deauthorized", z.object(which));
export const paymentAccountEvents = [PaymentAccountUpdated, PaymentAccountDeauthorized];

export type PaymentAccountRow = typeof paymentAccountTable.$inferSelect;
export const isStripe = eq(paymentAccountTable.provider, "stripe");
export const isCurrent = and(isStripe, ne(paymentAccountTable.status, "deauthorized"));

/** The values of a deauthorized account. */
export const deauthorizedValues = {
  status: "deauthorized" as const,
  chargesEnabled: false,
  payoutsEnabled: false,
  version: bump(paymentAccountTable) as never as number,
};

/** The state of an account as Stripe reports it, in the columns of its row. */
type AccountSnapshot = Pick<
  PaymentAccountRow,
  "status" | "chargesEnabled" | "payoutsEnabled" | "detailsSubmitted" | "capabilities" | "requirements"
>;

function snapshotOf(account: Stripe.Account): AccountSnapshot {
  const { charges_enabled: chargesEnabled, payouts_enabled: payoutsEnabled } = account;
  const { details_submitted: detailsSubmitted, requirements, capabilities = {} } = account;
  const due = [...(requirements?.past_due ?? []), ...(requirements?.currently_due ?? [])];
  return {
    status: chargesEnabled ? "active" : detailsSubmitted ? "restricted" : "onboarding",
    chargesEnabled,
    payoutsEnabled,
    detailsSubmitted,
    capabilities: Object.fromEntries(
      Object.entries(capabilities).flatMap(([name, state]) => (typeof state === "string" ? [[name, state]] : [])),
    ),
    requirements: [...new Set(due)].sort(),
  };
}

/** Undefined when Stripe does not let us see it any more: the merchant has taken the connection away. */
async function fetchAccount(account: string, livemode: boolean): Promise<AccountSnapshot | undefined> {
  const stripe = await stripeFor(livemode);
  try {
    return snapshotOf(await withRetry(() => stripe.accounts.retrieve(account)));
  } catch (error) {
    if (faultSideOf(error) === "account") return undefined;
    throw error;
  }
}

const same = (row: AccountSnapshot, facts: AccountSnapshot) =>
  (Object.keys(facts) as (keyof AccountSnapshot)[]).every((field) => canonical(row[field]) === canonical(facts[field]));
/** Postgres keeps the fields of an object in an order of its own. */
const canonical = (value: unknown) =>
  JSON.stringify(value !== null && typeof value === "object" ? Object.entries(value).sort() : value);

/**
 * Copies Stripe's present state of an account into its row; each written answer increments the version. A deauthorized
 * row stays so until it is connected again.
 * @param again whether a deauthorized row is connected again when Stripe still knows the account
 * @returns the row, or undefined when there is none or Stripe does not know the account
 * @throws OutcomeUnknown
 */
export function sync({ id }: { id: string }, again = false): Promise<PaymentAccountRow | undefined> {
  const mine = eq(paymentAccountTable.id, id);
  return syncFromProvider<PaymentAccountRow, AccountSnapshot | undefined, PaymentAccountRow | undefined>({
    name: "payment account",
    load: async () => {
      const [row] = await read((q) => q.select().from(paymentAccountTable).where(mine));
      const isSynced = row?.account && (row.status !== "deauthorized" || again);
      return isSynced ? { known: row } : { result: undefined };
    },
    fetch: ({ account, livemode }) => fetchAccount(account ?? "", livemode),
    write: async (row, snapshot) => {
      const present = { ...snapshot, version: bump(paymentAccountTable), ...(again && { connectedAt: sql`now()` }) };
      const written = await writeIfUnchanged(row, snapshot ? present : deauthorizedValues);
      return written && { result: snapshot && written };
    },
  });
}

type Values = Parameters<ReturnType<Tx["update"]>["set"]>[0];

const writeIfUnchanged = (row: PaymentAccountRow, values: Values): Promise<PaymentAccountRow | undefined> =>
  db(async (tx) => {
    const [now] = await tx
      .update(paymentAccountTable)
      .set(values)
      .where(and(eq(paymentAccountTable.id, row.id), eq(paymentAccountTable.version, row.version)))
      .returning();
    if (!now) return undefined;
    emitEvents(row, now);
    await followIncident(row, now);
    return now;
  });

const LOST = "payment_account.lost";

const OTHER_MODE = "payment_account.other_mode";

/** An account in another mode than its tenant's takes no money, or takes test cards for goods. */
const reportOtherMode = async (row: PaymentAccountRow): Promise<void> => {
  const [tenant] = await read((q) => q.select({ livemode: tenantTableRoot.livemode }).from(tenantTableRoot));
  if (!tenant || row.status === "deauthorized" || !isOtherMode(row.livemode, tenant.livemode)) return;
  await Incident.open(OTHER_MODE, row.id, { account: row.account, livemode: row.livemode });
};

/** Looks whether an account still has the mode of its tenant. */
export async function checkMode({ id }: { id: string }): Promise<void> {
  const [row] = await read((q) => q.select().from(paymentAccountTable).where(eq(paymentAccountTable.id, id)));
  if (row) await reportOtherMode(row);
}

/** A connection that ends at Stripe is for a person to look at, until an account of the tenant can be charged again. */
async function followIncident(before: PaymentAccountRow, now: PaymentAccountRow): Promise<void> {
  if (now.status === "deauthorized" && before.status !== "deauthorized")
    await Incident.open(LOST, now.provider, { account: now.account });
  if (now.chargesEnabled && !before.chargesEnabled)
    await Incident.resolveAutomatically(LOST, now.provider, "An account can be charged again.");
}

function emitEvents(before: PaymentAccountRow, now: PaymentAccountRow): void {
  const { id: paymentAccountId, account, status, chargesEnabled, payoutsEnabled } = now;
  if (same(before, now)) return;
  if (status !== "deauthorized") {
    emit(PaymentAccountUpdated, { paymentAccountId, account, status, chargesEnabled, payoutsEnabled });
  } else if (before.status !== "deauthorized") {
    emit(PaymentAccountDeauthorized, { paymentAccountId, account });
  }
}

/** The row of the account of an event, which is the tenant's own: the event says only where to look. */
const isNamedBy = ({ account, livemode }: StripeEvent) =>
  and(isCurrent, eq(paymentAccountTable.account, account ?? ""), eq(paymentAccountTable.livemode, livemode));

async function syncAccount(event: StripeEvent): Promise<void> {
  const [row] = await read((q) => q.select().from(paymentAccountTable).where(isNamedBy(event)));
  if (row) await sync(row);
}

/**
 * The event says that the merchant has ended the connection at Stripe. Stripe is asked first, because an event alone
 * stops no payments. Events that are older than the present connection belong to an earlier one; Stripe's times are in
 * seconds.
 */
async function recheckConnection(event: StripeEvent): Promise<void> {
  const isPresent = sql`${paymentAccountTable.connectedAt} < to_timestamp(${event.created + 1})`;
  const [row] = await read((q) =>
    q
      .select()
      .from(paymentAccountTable)
      .where(and(isNamedBy(event), isPresent)),
  );
  if (row) await sync(row);
}

/** Asks Stripe for an account that it has just refused, so that nothing more is charged on one that is lost. */
export async function recheckAccount({ account, livemode }: MerchantAccount): Promise<void> {
  if (account === null || livemode === null) return;
  const [row] = await read((q) =>
    q
      .select()
      .from(paymentAccountTable)
      .where(and(isCurrent, eq(paymentAccountTable.account, account), eq(paymentAccountTable.livemode, livemode))),
  );
  if (row) await sync(row);
}

export const paymentAccountHandlers: readonly StripeHandler[] = [
  {
    name: "payment-account.state",
    endpoint: "connect",
    types: [
      "account.updated",
      "account.external_account.created",
      "account.external_account.deleted",
      "account.external_account.updated",
      "capability.updated",
    ],
    run: syncAccount,
  },
  {
    name: "payment-account.deauthorized",
    endpoint: "connect",
    types: ["account.application.deauthorized"],
    run: recheckConnection,
  },
];
