import type Stripe from "stripe";
import { z } from "zod";
import type { Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { emptyable, flag, merge, metadata, oneOf, text, timestamp } from "../engine/shape.js";
import { liveCustomer } from "./customer.js";
import { methodFor } from "./invoice-charge.js";
import { collect, payAhead } from "./invoice-collection.js";
import { createInvoice, previewInvoice, putPending } from "./invoice-draft.js";
import { billsNow } from "./invoice-preview.js";
import { finalize, paid } from "./invoice-state.js";
import { cancelAt, cancelFields, cancellationDetails } from "./subscription-cancellation.js";
import {
  anchorChange,
  type Change,
  changedItem,
  planChange,
  prorationBehavior,
  trialEnd,
} from "./subscription-change.js";
import { checkDefault, paymentSettings, trialSettings } from "./subscription-creation.js";
import { schedule } from "./subscription-cycle.js";
import { firstEnd, fresh, itemList, lastEnd } from "./subscription-shape.js";

type Subscription = Stripe.Subscription;

export const updateParams = z.strictObject({
  billing_cycle_anchor: anchorChange.optional(),
  cancel_at: cancelAt.optional(),
  cancel_at_period_end: flag.optional(),
  cancellation_details: cancellationDetails.optional(),
  default_payment_method: text.optional(),
  description: emptyable(text).optional(),
  items: z.array(changedItem).optional(),
  metadata: metadata.optional(),
  off_session: flag.optional(),
  payment_behavior: oneOf(
    "allow_incomplete",
    "default_incomplete",
    "error_if_incomplete",
    "pending_if_incomplete",
  ).optional(),
  payment_settings: paymentSettings.optional(),
  proration_behavior: prorationBehavior.optional(),
  proration_date: timestamp.optional(),
  trial_end: trialEnd.optional(),
  trial_settings: trialSettings.optional(),
});
export type UpdateParams = z.output<typeof updateParams>;

const namesOf = (params: UpdateParams) =>
  Object.entries(params).flatMap(([name, value]) => (value === undefined ? [] : [name]));

/** @throws Failure for a change that an ended, incomplete or pending subscription does not allow */
function checkAllowed({ ended_at, status, pending_update }: Subscription, params: UpdateParams) {
  const names = namesOf(params);
  const only = (...allowed: string[]) => names.every((name) => allowed.includes(name));
  if (ended_at !== null && !only("metadata", "cancellation_details"))
    throw refused("A canceled subscription can only update its cancellation_details and metadata.", {
      code: "invalid_canceled_subscription_fields",
    });
  if (status === "incomplete" && !only("metadata", "default_payment_method", "description", "cancellation_details"))
    throw refused("A subscription with status `incomplete` can only update its metadata and payment method.");
  if (pending_update && !only("metadata", "default_payment_method"))
    throw refused("The subscription has a pending update, which must be paid or expire first.");
  const allowed = ["expand", "items", "off_session", "payment_behavior", "proration_behavior"];
  const more = ["proration_date", "billing_cycle_anchor", "trial_end"];
  if (params.payment_behavior === "pending_if_incomplete" && !only(...allowed, ...more))
    throw refused("With `payment_behavior` pending_if_incomplete only items and billing dates can be updated.", {
      param: "payment_behavior",
    });
}

function plainFields(store: Store, subscription: Subscription, params: UpdateParams): Partial<Subscription> {
  const { default_payment_method, description, trial_settings, payment_settings } = params;
  const settings = subscription.payment_settings;
  return {
    ...(params.metadata !== undefined && { metadata: merge(subscription.metadata, params.metadata) }),
    ...(default_payment_method !== undefined && { default_payment_method }),
    ...(description !== undefined && { description }),
    ...(trial_settings && {
      trial_settings: { end_behavior: { billing_cycle_anchor: null, ...trial_settings.end_behavior } },
    }),
    ...(payment_settings &&
      settings && { payment_settings: { ...settings, ...(payment_settings as typeof settings) } }),
    ...cancelFields(store, subscription, params),
  };
}

/** `cancel_at` follows the end of the period when it was set to that. */
function following(subscription: Subscription, { items, fields }: Change): Partial<Subscription> {
  const patch = { ...fields, items: itemList(subscription.id, items) };
  const cancel_at = lastEnd({ ...subscription, ...patch });
  return { ...patch, ...(subscription.cancel_at_period_end && { cancel_at }) };
}

/** Stores a change as `pending_update` until its invoice is paid: 23 hours, or to the end of the period or trial. */
function wait(store: Store, id: string, patch: Partial<Subscription>, announced: string) {
  const subscription = store.get("subscription", id);
  const ends = [firstEnd(subscription), subscription.trial_end ?? 0].filter((at) => at > store.now);
  const expires_at = Math.min(store.now + 23 * 3600, ...ends);
  const pending_update: Stripe.Subscription.PendingUpdate = {
    billing_cycle_anchor: patch.billing_cycle_anchor ?? null,
    cancel_at_period_end: null,
    discount: null,
    discounts: null,
    expires_at,
    metadata: null,
    subscription_items: patch.items?.data ?? null,
    trial_end: patch.trial_end ?? null,
    trial_from_plan: null,
  };
  store.later(expires_at, "invoice.pending_update_expires", announced);
  return store.change(subscription, { pending_update, latest_invoice: announced }, "customer.subscription.updated");
}

/** Invoices a change and collects it; the payment behavior decides whether the change precedes the payment. */
function invoiceNow(
  store: Store,
  subscription: Subscription,
  change: Change,
  params: UpdateParams,
  patch: Partial<Subscription>,
) {
  const { payment_behavior: behavior, off_session: offSession = false, proration_date } = params;
  const changed = { ...subscription, ...patch };
  const reason = "subscription_update" as const;
  const prorationDate = change.prorations.length > 0 ? (proration_date ?? store.now) : undefined;
  const { prorations, cycle } = change;
  const shared = { reason, cycle, prorationDate };
  const period = { start: store.now, end: store.now };
  const customer = liveCustomer(store, String(subscription.customer));
  const preview = () => previewInvoice(store, customer, changed, { ...shared, prorations, created: store.now, period });
  const first = behavior === "error_if_incomplete" && preview();
  const ahead = first ? payAhead(store, first, { method: methodFor(store, first, changed), offSession }) : undefined;
  putPending(store, subscription, prorations);
  const waits = behavior === "pending_if_incomplete";
  const announce = (latest_invoice: string) =>
    waits
      ? wait(store, subscription.id, patch, latest_invoice)
      : store.change(subscription, { ...patch, latest_invoice }, "customer.subscription.updated");
  const invoice = createInvoice(store, subscription, { ...shared, announce });
  if (!invoice) return;
  const open = finalize(store, invoice, ahead);
  if (open.status === "open" && ahead) paid(store, { ...open, attempt_count: 1 });
  else if (open.status === "open" && behavior !== "default_incomplete")
    collect(store, open, { offSession, automatic: true });
}

/** @throws Failure; 402 for `error_if_incomplete` when the payment fails */
export function update(store: Store, given: Subscription, params: UpdateParams): Subscription {
  checkAllowed(given, params);
  checkDefault(store, params.default_payment_method, String(given.customer));
  const subscription = fresh(store, given);
  const plain = plainFields(store, subscription, params);
  const changes = params.items || params.trial_end !== undefined || params.billing_cycle_anchor?.type === "now";
  if (!changes) {
    if (Object.keys(plain).length > 0) store.change(given, plain, "customer.subscription.updated");
  } else {
    const change = planChange(store, subscription, params);
    const based = { ...subscription, ...plain };
    const patch = { ...plain, ...following(based, change) };
    if (billsNow(change, params.proration_behavior)) invoiceNow(store, given, change, params, patch);
    else {
      putPending(store, given, change.prorations);
      store.change(given, patch, "customer.subscription.updated");
    }
  }
  const next = store.get("subscription", given.id);
  if (changes || plain.cancel_at !== undefined) schedule(store, next);
  return store.get("subscription", given.id);
}
