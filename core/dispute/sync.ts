import { and, eq, inArray, or } from "drizzle-orm";
import type { Stripe } from "stripe";
import { Incident } from "../incident/index.js";
import { db, read } from "../kernel/db.js";
import { paymentTable } from "../payment/payment.sql.js";
import { type StripeHandler, stripeFor, withRetry } from "../stripe/index.js";
import { applySnapshot } from "./apply.js";
import { disputeTable } from "./dispute.sql.js";
import { snapshotOf } from "./stripe-dispute.js";

/** A reference to a dispute, from an event or from the provider's list. */
export interface DisputeReference {
  /** Stripe's id of the dispute. */
  reference: string;
  paymentIntent?: string | undefined;
  /** The connected account that the reference came from. */
  account: string | null;
}

/** How often a concurrent update of the row may come first before the job fails and is retried. */
const ROUNDS = 5;

/**
 * Asks Stripe for the present state of a dispute and writes the differences. It may run at any time, any number of
 * times, and concurrently. The row is read before Stripe is asked, and written only when no other transaction has
 * written it since: an older answer never overwrites a newer one.
 * @throws OutcomeUnknown when Stripe does not answer
 */
export async function sync(named: DisputeReference): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const known = await findDisputed(named);
    if (!known) return stranger(named);
    const { payment, before } = known;
    const stripe = await stripeFor(payment.livemode ?? false);
    const options = payment.account ? { stripeAccount: payment.account } : {};
    const said = await withRetry(() => stripe.disputes.retrieve(named.reference, {}, options));
    if (intentOf(said) !== payment.reference) return stranger(named);
    const facts = snapshotOf(said);
    if (await db((tx) => applySnapshot(tx, { ...payment, disputed: named.reference }, before, facts))) return;
  }
  throw new Error(`The dispute ${named.reference} changed during every attempt to read it.`);
}

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

/** Opens an incident about money that is withheld for a payment which was not made here: a person must look at it. */
async function stranger({ reference, ...data }: DisputeReference): Promise<void> {
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
