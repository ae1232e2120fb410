import type Stripe from "stripe";
import { z } from "zod";
import type { Store } from "../engine/engine.js";
import { missing, refused } from "../engine/failure.js";
import { emptyable, flag, oneOf, timestamp } from "../engine/shape.js";
import { collect } from "./invoice-collection.js";
import { createInvoice, putPending } from "./invoice-draft.js";
import { finalize } from "./invoice-state.js";
import { unusedBill } from "./subscription-bill.js";
import { end } from "./subscription-end.js";
import { firstEnd, lastEnd } from "./subscription-shape.js";

export const cancelAt = emptyable(z.union([oneOf("min_period_end", "max_period_end"), timestamp]));
export const cancellationReason = oneOf(
  "customer_service",
  "low_quality",
  "missing_features",
  "other",
  "switched_service",
  "too_complex",
  "too_expensive",
  "unused",
);
export const cancellationDetails = z.strictObject({
  comment: z.string().optional(),
  feedback: emptyable(cancellationReason).optional(),
});
type Details = z.output<typeof cancellationDetails>;

export interface CancelParams {
  readonly cancel_at?: z.output<typeof cancelAt> | undefined;
  readonly cancel_at_period_end?: boolean | undefined;
  readonly cancellation_details?: Details | undefined;
}

const blank = { comment: null, feedback: null, feedback_option: null, reason: null };

const detailsOf = ({ comment, feedback }: Details = {}): Partial<Stripe.Subscription.CancellationDetails> => ({
  ...(comment !== undefined && { comment: comment || null }),
  ...(feedback !== undefined && { feedback }),
});

/**
 * What an end that is asked for later makes of a subscription. @throws Failure
 * @see https://docs.stripe.com/changelog/basil/2025-07-30/cancel-at-enums
 */
export function cancelFields(
  store: Store,
  subscription: Stripe.Subscription,
  { cancel_at, cancel_at_period_end: atEnd, cancellation_details }: CancelParams,
): Partial<Stripe.Subscription> {
  if (cancel_at !== undefined && atEnd !== undefined)
    throw refused("You may only specify one of these parameters: cancel_at, cancel_at_period_end.", {
      code: "parameters_exclusive",
    });
  const given = { ...blank, ...subscription.cancellation_details, ...detailsOf(cancellation_details) };
  const details = cancellation_details && { cancellation_details: given };
  if (cancel_at === undefined && atEnd === undefined) return details ?? {};
  if (cancel_at === null || atEnd === false)
    return { cancel_at: null, cancel_at_period_end: false, canceled_at: null, cancellation_details: blank };
  const period = cancel_at === "min_period_end" ? firstEnd(subscription) : lastEnd(subscription);
  const at = typeof cancel_at === "number" ? cancel_at : period;
  if (at <= store.now) throw refused("`cancel_at` must be a timestamp in the future.", { param: "cancel_at" });
  return {
    cancel_at: at,
    cancel_at_period_end: atEnd === true,
    canceled_at: store.now,
    cancellation_details: { ...given, reason: "cancellation_requested" },
  };
}

export const cancelParams = z.strictObject({
  cancellation_details: cancellationDetails.optional(),
  invoice_now: flag.optional(),
  prorate: flag.optional(),
});

/** Cancels a subscription at once. @throws Failure resource_missing when it has ended already */
export function cancel(
  store: Store,
  id: string | undefined,
  { cancellation_details, invoice_now, prorate }: z.output<typeof cancelParams>,
): Stripe.Subscription {
  const subscription = store.get("subscription", id);
  if (subscription.ended_at !== null) throw missing("subscription", subscription.id);
  const back = prorate
    ? subscription.items.data.flatMap((item) => unusedBill(store, subscription, item, store.now))
    : [];
  putPending(store, subscription, back);
  const announce = (latest_invoice: string) =>
    store.change(store.get("subscription", subscription.id), { latest_invoice });
  const last =
    invoice_now && createInvoice(store, subscription, { reason: "subscription_update", cycle: [], announce });
  const details = { ...detailsOf(cancellation_details), reason: "cancellation_requested" as const };
  const kept = back.length > 0 && !invoice_now;
  const fields = { canceled_at: store.now, cancel_at: null, cancel_at_period_end: false };
  const ended = end(store, store.change(store.get("subscription", subscription.id), fields), details, kept);
  if (!last) return ended;
  const open = finalize(store, last);
  if (open.status === "open") collect(store, open, { offSession: true, automatic: true });
  return store.get("subscription", ended.id);
}
