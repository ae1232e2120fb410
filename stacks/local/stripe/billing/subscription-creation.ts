import type Stripe from "stripe";
import { z } from "zod";
import type { Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { currency, emptyable, flag, merge, metadata, natural, oneOf, positive, text } from "../engine/shape.js";
import { liveCustomer } from "./customer.js";
import { methodFor } from "./invoice-charge.js";
import { collect, payAhead } from "./invoice-collection.js";
import { createInvoice, previewInvoice } from "./invoice-draft.js";
import { finalize, paid } from "./invoice-state.js";
import { day } from "./period.js";
import { cycleBill } from "./subscription-bill.js";
import { cancelAt, cancelFields } from "./subscription-cancellation.js";
import { checkItems, prorationBehavior, recurringPrice, trialEnd } from "./subscription-change.js";
import { schedule } from "./subscription-cycle.js";
import { cycleAt, itemList, newItem, newSubscription } from "./subscription-shape.js";

const billingMode = z.strictObject({
  type: oneOf("flexible"),
  flexible: z.strictObject({ proration_discounts: oneOf("included", "itemized").optional() }).optional(),
});
export const paymentSettings = z.strictObject({
  payment_method_types: z.array(oneOf("card")).optional(),
  save_default_payment_method: oneOf("off", "on_subscription").optional(),
});
export const trialSettings = z.strictObject({
  end_behavior: z.strictObject({ missing_payment_method: oneOf("cancel", "create_invoice") }),
});
const newItems = z.array(z.strictObject({ price: text, quantity: natural.optional(), metadata: metadata.optional() }));
export const createParams = z.strictObject({
  customer: text,
  items: newItems,
  billing_mode: billingMode.optional(),
  cancel_at: cancelAt.optional(),
  cancel_at_period_end: flag.optional(),
  collection_method: oneOf("charge_automatically").optional(),
  currency: currency.optional(),
  default_payment_method: text.optional(),
  description: emptyable(text).optional(),
  metadata: metadata.optional(),
  off_session: flag.optional(),
  payment_behavior: oneOf("allow_incomplete", "default_incomplete", "error_if_incomplete").optional(),
  payment_settings: paymentSettings.optional(),
  proration_behavior: prorationBehavior.optional(),
  trial_end: trialEnd.optional(),
  trial_period_days: positive.optional(),
  trial_settings: trialSettings.optional(),
});
export type CreateParams = z.output<typeof createParams>;

/** The end of a trial that starts now, Unix seconds. @throws Failure */
export function trialEndOf(
  store: Store,
  { trial_end, trial_period_days }: Pick<CreateParams, "trial_end" | "trial_period_days">,
) {
  if (trial_end !== undefined && trial_period_days !== undefined)
    throw refused("You may only specify one of these parameters: trial_end, trial_period_days.", {
      code: "parameters_exclusive",
    });
  if (trial_period_days !== undefined) {
    if (trial_period_days <= 730) return store.now + trial_period_days * day;
    throw refused("A trial can have up to 730 days.", { param: "trial_period_days" });
  }
  if (trial_end === undefined || trial_end === "now") return undefined;
  if (trial_end > store.now) return trial_end;
  throw refused("Invalid timestamp: must be an integer Unix timestamp in the future.", { param: "trial_end" });
}

/** @throws Failure for a payment method of another customer */
export function checkDefault(store: Store, id: string | undefined, customer: string) {
  if (id === undefined) return;
  const param = "default_payment_method";
  if (store.get("payment_method", id, param).customer === customer) return;
  throw refused(
    `The customer does not have a payment method with the ID ${id}. The payment method must be attached to the customer.`,
    { code: "resource_missing", param },
  );
}

/** The subscription of `params` before its first payment; nothing is stored. @throws Failure */
export function draftSubscription(store: Store, params: CreateParams): Stripe.Subscription {
  const id = store.id("sub");
  const items = params.items.map(({ price, quantity = 1, metadata }, at) => ({
    price: recurringPrice(store, price, `items[${at}][price]`),
    quantity,
    metadata: merge({}, metadata),
  }));
  checkItems(items);
  const trial_end = trialEndOf(store, params);
  const anchor = trial_end ?? store.now;
  const made = items.map((fields) => {
    const trial = trial_end !== undefined && { start: store.now, end: trial_end };
    return newItem(store, id, fields, trial || cycleAt(anchor, fields.price, anchor));
  });
  const settings = { payment_method_types: null, save_default_payment_method: "off", ...params.payment_settings };
  const subscription = newSubscription(store, id, {
    billing_cycle_anchor: anchor,
    currency: items[0]?.price.currency ?? "usd",
    customer: params.customer,
    default_payment_method: params.default_payment_method ?? null,
    description: params.description ?? null,
    items: itemList(id, made),
    metadata: merge({}, params.metadata),
    payment_settings: { payment_method_options: null, ...settings },
    status: trial_end === undefined ? "incomplete" : "trialing",
    ...(trial_end !== undefined && { trial_end, trial_start: store.now }),
    ...(params.trial_settings && {
      trial_settings: { end_behavior: { billing_cycle_anchor: null, ...params.trial_settings.end_behavior } },
    }),
  });
  return { ...subscription, ...cancelFields(store, subscription, params) };
}

const unpayable = () =>
  refused(
    "This customer has no attached payment source or default payment method. Please consider adding a default payment method. For more information, visit https://stripe.com/docs/billing/subscriptions/payment-methods-setting#payment-method-priority.",
    { code: "resource_missing" },
  );

export interface FirstPayment {
  readonly behavior: CreateParams["payment_behavior"];
  readonly offSession: boolean;
  /** The payment that was made before the subscription. */
  readonly ahead?: Stripe.PaymentIntent | undefined;
}

const firstCycle = (store: Store, { items, status }: Stripe.Subscription) =>
  items.data.map((item) => cycleBill(store, item, status === "trialing"));

/** The preview of a new subscription's first invoice. */
export function firstInvoice(store: Store, draft: Stripe.Subscription): Stripe.Invoice {
  const period = { start: store.now, end: store.now };
  const cycle = firstCycle(store, draft);
  const previewing = { prorations: [], cycle, reason: "subscription_create", created: store.now, period };
  return previewInvoice(store, liveCustomer(store, String(draft.customer)), draft, previewing);
}

/** Stores a subscription with its first invoice and collects it according to `behavior`. */
export function begin(store: Store, draft: Stripe.Subscription, how: FirstPayment): Stripe.Subscription {
  const { behavior, offSession, ahead } = how;
  const announce = (latest_invoice: string) => store.put({ ...draft, latest_invoice }, "customer.subscription.created");
  const cycle = firstCycle(store, draft);
  const invoice = createInvoice(store, draft, { reason: "subscription_create", cycle, announce });
  const open = invoice && finalize(store, invoice, ahead);
  if (open?.status === "open" && ahead) paid(store, { ...open, attempt_count: 1 });
  else if (open?.status === "open" && behavior !== "default_incomplete")
    collect(store, open, { offSession, automatic: true });
  const subscription = store.get("subscription", draft.id);
  if (subscription.status === "incomplete") store.later(store.now + 23 * 3600, "subscription.expire", draft.id);
  schedule(store, subscription);
  return store.get("subscription", draft.id);
}

export function create(store: Store, params: CreateParams): Stripe.Subscription {
  const customer = liveCustomer(store, params.customer, "customer");
  checkDefault(store, params.default_payment_method, customer.id);
  const draft = draftSubscription(store, params);
  const { currency } = params;
  if (currency !== undefined && currency !== draft.currency)
    throw refused(`The price specified only supports \`${draft.currency}\`.`, { param: "currency" });
  const due = draft.items.data.reduce((sum, { price, quantity = 1 }) => sum + (price.unit_amount ?? 0) * quantity, 0);
  const behavior = params.payment_behavior ?? "allow_incomplete";
  const usual = params.default_payment_method ?? customer.invoice_settings.default_payment_method;
  if (draft.status === "incomplete" && due > 0 && behavior !== "default_incomplete" && !usual) throw unpayable();
  const offSession = params.off_session ?? false;
  const first = behavior === "error_if_incomplete" && firstInvoice(store, draft);
  const ahead = first ? payAhead(store, first, { method: methodFor(store, first, draft), offSession }) : undefined;
  return begin(store, draft, { behavior, offSession, ahead });
}
