import type Stripe from "stripe";
import { isGone, listAll, type StripeAccount, secondsOf, withRetry } from "../../stripe/index.js";
import type { Attempt } from "../provider.js";

/** Information for Stripe and for people; our code uses it only to find an object whose id was lost with the answer. */
export const metadataOf = ({ id, orderId }: Pick<Attempt, "id" | "orderId">) => ({
  stoa_payment: id,
  stoa_order: orderId,
});

/** Clocks differ: ours and Stripe's by so much at most. Seconds. */
const SKEW = 300;
const DAY = 86_400;

/**
 * When an attempt can have been opened: nearly always at once, and never after its key is forgotten. The short time is
 * looked through first, because a busy account has many payments in a day.
 */
function* searchWindowsOf({ createdAt }: Attempt): Generator<Stripe.RangeQueryParam> {
  const from = secondsOf(createdAt) - SKEW;
  const soon = from + 3 * SKEW;
  yield { gte: from, lte: soon };
  yield { gt: soon, lte: from + DAY + 2 * SKEW };
}

/** The PaymentIntent of an attempt whose answer was lost. Lists are complete at once; Stripe's search is not. */
export async function findIntent(
  { stripe, options }: StripeAccount,
  attempt: Attempt,
): Promise<Stripe.PaymentIntent | undefined> {
  for (const created of searchWindowsOf(attempt)) {
    for await (const intent of listAll((page) => stripe.paymentIntents.list({ created, ...page }, options))) {
      if (intent.metadata.stoa_payment === attempt.id) return intent;
    }
  }
  return undefined;
}

/** The same for a Checkout Session. */
export async function findSession(
  { stripe, options }: StripeAccount,
  attempt: Attempt,
): Promise<Stripe.Checkout.Session | undefined> {
  for (const created of searchWindowsOf(attempt)) {
    for await (const session of listAll((page) => stripe.checkout.sessions.list({ created, ...page }, options))) {
      if (session.client_reference_id === attempt.id) return session;
    }
  }
  return undefined;
}

/** All that Stripe knows of an attempt; parts that there are none of are undefined. */
export interface StripeAttempt {
  session?: Stripe.Checkout.Session;
  intent?: Stripe.PaymentIntent;
}

const depth = ["latest_charge.refunds"];

/** Undefined for an object that Stripe does not have any more, as if it had never been made. */
const orUndefined = <T>(read: () => Promise<T>): Promise<T | undefined> =>
  withRetry(read).catch((error: unknown) => {
    if (isGone(error)) return undefined;
    throw error;
  });

/** Reads an attempt by our ids of it; undefined while Stripe does not know it. One call, unless an answer was lost. */
export async function retrieveAttempt(place: StripeAccount, attempt: Attempt): Promise<StripeAttempt | undefined> {
  const { stripe, options } = place;
  const { session: known, reference, method } = attempt;
  if (method === "checkout_session") {
    const id = known ?? (await findSession(place, attempt))?.id;
    if (!id) return undefined;
    const expand = depth.map((path) => `payment_intent.${path}`);
    const session = await orUndefined(() => stripe.checkout.sessions.retrieve(id, { expand }, options));
    if (!session) return undefined;
    const { payment_intent: intent } = session;
    return { session, ...(typeof intent === "object" && intent && { intent }) };
  }
  const id = reference ?? (await findIntent(place, attempt))?.id;
  const intent = id && (await orUndefined(() => stripe.paymentIntents.retrieve(id, { expand: depth }, options)));
  return intent ? { intent } : undefined;
}

/** A capture puts its amount, under its operation's id, into the intent's metadata: Stripe has no object for it. */
export const capturesOf = ({ metadata }: Stripe.PaymentIntent) =>
  Object.keys(metadata).filter((key) => key.startsWith("pop_"));

/** Captured more than once, or not yet for the last time. */
export const isMulticapture = (intent: Stripe.PaymentIntent): boolean =>
  capturesOf(intent).length > 1 || (intent.status === "requires_capture" && intent.amount_received > 0);
