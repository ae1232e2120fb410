import { and, eq, inArray, or } from "drizzle-orm";
import type { Stripe } from "stripe";
import { Incident } from "../incident/index.js";
import { db, read } from "../kernel/db.js";
import { paymentTable } from "../payment/payment.sql.js";
import { type StripeHandler, stripeFor, syncFromProvider, withRetry } from "../stripe/index.js";
import { disputeTable } from "./dispute.sql.js";
import { applySnapshot } from "./snapshot.js";
import { snapshotOf } from "./stripe-dispute.js";

/** A reference to a dispute, from an event or from the provider's list. */
export interface DisputeReference {
  /** Stripe's id of the dispute. */
  reference: string;
  paymentIntent?: string | undefined;
  /** The connected account that the reference came from. */
  account: string | null;
}

/**
 * Asks Stripe for the present state of a dispute and writes the differences. It may run at any time, any number of
 * times, and concurrently.
 * @throws OutcomeUnknown when Stripe does not answer
 */
export const sync = (named: DisputeReference): Promise<void> =>
  syncFromProvider<Disputed, Stripe.Dispute, void>({
    name: `dispute ${named.reference}`,
    load: async () => {
      const known = await findDisputed(named);
      return known ? { known } : { result: await reportUnknownPayment(named) };
    },
    fetch: async ({ payment: { account, livemode } }) => {
      const stripe = await stripeFor(livemode ?? false);
      const options = account ? { stripeAccount: account } : {};
      return withRetry(() => stripe.disputes.retrieve(named.reference, {}, options));
    },
    write: async ({ payment, before }, dispute) => {
      if (intentOf(dispute) !== payment.reference) return { result: await reportUnknownPayment(named) };
      const disputed = { ...payment, disputed: named.reference };
      const isWritten = await db((tx) => applySnapshot(tx, disputed, before, snapshotOf(dispute)));
      return isWritten ? { result: undefined } : undefined;
    },
  });

/** The payment by our own table, never by the event, and the dispute's row, which may not exist yet. */
async function findDisputed({ reference, paymentIntent, account }: DisputeReference) {
  const [payments, [before]] = await read((q) => {
    const known = eq(disputeTable.reference, reference);
    const disputed = q.select({ id: disputeTable.paymentId }).from(disputeTable).where(known);
    const intended = paymentIntent === undefined ? undefined : eq(paymentTable.reference, paymentIntent);
    return [
      q
        .select({
          id: paymentTable.id,
          orderId: paymentTable.orderId,
          provider: paymentTable.provider,
          account: paymentTable.account,
          livemode: paymentTable.livemode,
          reference: paymentTable.reference,
        })
        .from(paymentTable)
        .where(and(eq(paymentTable.provider, "stripe"), or(intended, inArray(paymentTable.id, disputed)))),
      q.select().from(disputeTable).where(known),
    ] as const;
  });
  const payment = payments.find((one) => one.account === account);
  return payment && { payment, before };
}

type Disputed = NonNullable<Awaited<ReturnType<typeof findDisputed>>>;

/** Opens an incident about money that is withheld for a payment which was not made here: a person must look at it. */
async function reportUnknownPayment({ reference, ...data }: DisputeReference): Promise<void> {
  await Incident.open("dispute.unknown_payment", reference, data);
}

const intentOf = ({ payment_intent: intent }: Stripe.Dispute) => (typeof intent === "string" ? intent : intent?.id);

/** The webhooks about disputes on a merchant's account. An event only names the dispute, which is then fetched. */
export const disputeHandlers: readonly StripeHandler[] = [
  {
    name: "dispute",
    endpoint: "connect",
    types: [
      "charge.dispute.created",
      "charge.dispute.updated",
      "charge.dispute.closed",
      "charge.dispute.funds_withdrawn",
      "charge.dispute.funds_reinstated",
    ],
    run: ({ objectId, related, account }) => sync({ reference: objectId, ...related, account }),
  },
];
