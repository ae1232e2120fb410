import { eq, sql } from "drizzle-orm";
import * as z from "zod";
import type { Tx } from "../../drizzle/tenant.js";
import { db, read } from "../kernel/db.js";
import { Failure, OutcomeUnknown } from "../kernel/error.js";
import type { Currency } from "../kernel/money.js";
import { orderTable } from "../order/order.sql.js";
import { readyAccount } from "../payment-account/index.js";
import { feeOf } from "./fee.js";
import { type PaymentStep, statusOf } from "./index.js";
import { PaymentEventId, PaymentId, paymentEventTable, paymentTable } from "./payment.sql.js";
import type { Attempt, Opened } from "./provider.js";
import { isManual, ProviderName, providerOf, RetryProviderName } from "./registry.js";

const way = {
  method: z.enum(["payment_intent", "checkout_session"]).optional().meta({
    description:
      "`payment_intent`: confirm on the shop's own page with Stripe Elements. `checkout_session`: redirect to Stripe Checkout. Default: `payment_intent`",
  }),
  returnUrl: z
    .url({ protocol: /^https?$/ })
    .max(1_500)
    .optional()
    .meta({ description: "The page to which Stripe Checkout returns the shopper; required for `checkout_session`" }),
};
type Way = { method?: string | undefined; returnUrl?: string | undefined };
const returns = ({ method, returnUrl }: Way) => method !== "checkout_session" || returnUrl !== undefined;
const missing = { path: ["returnUrl"], message: "is required for a checkout session" };

/** How the shopper wants to pay. */
export const Means = z.strictObject({ provider: ProviderName, ...way }).refine(returns, missing);
export type Means = z.output<typeof Means>;

/** How they try again: what stands without money needs no second try. */
export const OtherMeans = z.strictObject({ provider: RetryProviderName, ...way }).refine(returns, missing);

/** How long an unpaid order keeps its goods: longer than any page of a provider stays open. Minutes. */
export const HOLD = 45;

export interface Due {
  orderId: string;
  amount: number;
  currency: Currency;
}

/**
 * A new attempt to pay what is due, as a row to insert: what it needs is looked up in the open transaction.
 * @throws Failure conflict `payment.provider_unavailable` when the merchant cannot be paid this way
 */
export async function newAttempt(tx: Tx, { orderId, amount, currency }: Due, means: Means) {
  const payment = { id: PaymentId.create(), orderId, amount, currency, provider: means.provider };
  // Nothing to pay is paid by hand.
  if (isManual(means.provider) || amount === 0) {
    return { ...payment, provider: "manual", authorized: amount, accepted: true };
  }
  const { account, livemode } = await readyAccount(tx, { amount, currency });
  return {
    ...payment,
    method: means.method ?? "payment_intent",
    returnUrl: means.returnUrl ?? null,
    account,
    livemode,
    fee: await feeOf(tx, amount),
    expiresAt: sql`now() + make_interval(mins => ${HOLD})` as never as string, // counted by the database
  };
}

/** What its provider is told of it, and how it stands. */
export async function load(paymentId: string) {
  const [[row], events] = await read(
    (q) =>
      [
        q
          .select({
            payment: paymentTable,
            order: { number: orderTable.number, email: orderTable.email, status: orderTable.status },
          })
          .from(paymentTable)
          .innerJoin(orderTable, eq(orderTable.id, paymentTable.orderId))
          .where(eq(paymentTable.id, paymentId)),
        q
          .select({
            type: paymentEventTable.type,
            amount: paymentEventTable.amount,
            reference: paymentEventTable.reference,
          })
          .from(paymentEventTable)
          .where(eq(paymentEventTable.paymentId, paymentId))
          .orderBy(paymentEventTable.id),
      ] as const,
  );
  if (!row) return undefined;
  const { payment, order } = row;
  const attempt: Attempt = { ...payment, email: order.email, description: `Order ${order.number}` };
  return { payment, order, attempt, status: statusOf(payment.amount, events) };
}

/**
 * Opens an attempt at its provider, or says again how it was opened: outside of any transaction, after its row is
 * committed. The provider sees the same key each time.
 * @throws Failure conflict when the provider refuses it, unavailable when it does not answer
 */
export async function open(paymentId: string): Promise<PaymentStep> {
  const known = await load(paymentId);
  if (!known) throw new Error("The payment does not exist.");
  const { payment, order, attempt, status } = known;
  if (order.status !== "pending" || payment.closedAt || payment.accepted || isManual(payment.provider)) {
    return { status, action: null };
  }
  try {
    const provider = providerOf(payment.provider);
    const opened = await provider.open(attempt);
    const { reference, session, action } = opened;
    if (await db((tx) => remember(tx, payment.id, payment.amount, opened))) return { status, action };
    // Its time was over while it was opened: nobody is told how to pay it.
    await provider.close({ ...attempt, reference, session });
    return { status, action: null };
  } catch (error) {
    if (error instanceof Failure && error.kind === "conflict") await db((tx) => refuse(tx, payment.id, error));
    if (!(error instanceof OutcomeUnknown)) throw error;
    throw new Failure(
      "unavailable",
      "payment.provider_unreachable",
      "The payment provider did not answer. Retry with the same Idempotency-Key after `Retry-After` seconds.",
      {
        retryAfter: 2,
      },
    );
  }
}

/** Writes what the provider calls it, also when it was given up meanwhile. @returns whether it may be paid */
async function remember(tx: Tx, paymentId: string, amount: number, { reference, session, expiresIn }: Opened) {
  const expiresAt = sql`now() + make_interval(secs => ${expiresIn})`;
  const [row] = await tx
    .update(paymentTable)
    .set({
      reference: sql`coalesce(${paymentTable.reference}, ${reference})`,
      session: sql`coalesce(${paymentTable.session}, ${session})`,
      openedAt: sql`coalesce(${paymentTable.openedAt}, now())`,
      expiresAt: sql`case when ${paymentTable.openedAt} is null then ${expiresAt} else ${paymentTable.expiresAt} end`,
    })
    .where(eq(paymentTable.id, paymentId))
    .returning({ closedAt: paymentTable.closedAt });
  await tx
    .insert(paymentEventTable)
    .values({ id: PaymentEventId.create(), paymentId, type: "opened", amount, reference: "opened" })
    .onConflictDoNothing();
  return row?.closedAt === null;
}

/** The provider wants nothing of this attempt; another one may be made. */
async function refuse(tx: Tx, paymentId: string, { code, message }: Failure) {
  await tx.update(paymentTable).set({ closedAt: sql`now()` }).where(eq(paymentTable.id, paymentId));
  await tx
    .insert(paymentEventTable)
    .values({
      id: PaymentEventId.create(),
      paymentId,
      type: "failed",
      amount: 0,
      reference: "refused",
      data: { code, message },
    })
    .onConflictDoNothing();
}
