import type Stripe from "stripe";
import { createOrFind, idOf, type StripeAccount, withIdempotencyKey } from "../../stripe/index.js";
import type { Attempt } from "../provider.js";
import { retrieveAttempt } from "./retrieval.js";

/** The statuses of an unpaid PaymentIntent; `processing` and all later statuses are left alone. */
const unpaidStatuses = new Set<string>(["requires_payment_method", "requires_confirmation", "requires_action"]);

/**
 * Ends an unpaid attempt. A payment that succeeds in the same moment stays paid: Stripe then refuses to end it, which
 * is no failure. @throws OutcomeUnknown
 */
export async function closeAtStripe(place: StripeAccount, attempt: Attempt): Promise<void> {
  const seen = await retrieveAttempt(place, attempt);
  if (seen?.session?.status === "open") await expireSession(place, attempt, seen.session.id);
  if (seen?.intent && unpaidStatuses.has(seen.intent.status)) await cancelIntent(place, attempt, seen.intent);
}

async function expireSession(place: StripeAccount, attempt: Attempt, session: string): Promise<void> {
  const { stripe } = place;
  await createOrFind(
    () => stripe.checkout.sessions.expire(session, {}, withIdempotencyKey(place, `${attempt.id}/expire`)),
    async () => undefined,
  );
}

/** The key names the state that is ended: Stripe repeats a key's refusal, but may accept the call in another state. */
async function cancelIntent(place: StripeAccount, { id }: Attempt, intent: Stripe.PaymentIntent): Promise<void> {
  const { stripe } = place;
  const key = [id, "cancel", intent.status, idOf(intent.latest_charge) ?? "untried"].join("/");
  await createOrFind(
    () => stripe.paymentIntents.cancel(intent.id, {}, withIdempotencyKey(place, key)),
    async () => undefined,
  );
}
