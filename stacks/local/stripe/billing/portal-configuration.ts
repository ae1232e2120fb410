import type Stripe from "stripe";
import { z } from "zod";
import type { Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { emptyable, flag, merge, metadata, oneOf, text } from "../engine/shape.js";
import { cancellationReason } from "./subscription-cancellation.js";
import { prorationBehavior } from "./subscription-change.js";

export type Configuration = Stripe.BillingPortal.Configuration;
type Features = Configuration["features"];

const url = z.url({ error: "Not a valid URL" });
const features = z.strictObject({
  customer_update: z
    .strictObject({
      allowed_updates: emptyable(z.array(oneOf("address", "email", "name", "phone", "shipping", "tax_id"))).optional(),
      enabled: flag,
    })
    .optional(),
  invoice_history: z.strictObject({ enabled: flag }).optional(),
  payment_method_update: z.strictObject({ enabled: flag }).optional(),
  subscription_cancel: z
    .strictObject({
      cancellation_reason: z
        .strictObject({ enabled: flag, options: emptyable(z.array(cancellationReason)) })
        .optional(),
      enabled: flag,
      mode: oneOf("at_period_end", "immediately").optional(),
      proration_behavior: prorationBehavior.optional(),
    })
    .optional(),
  subscription_update: z
    .strictObject({
      default_allowed_updates: emptyable(z.array(oneOf("price", "promotion_code", "quantity"))).optional(),
      enabled: flag,
      products: emptyable(z.array(z.strictObject({ prices: z.array(text), product: text }))).optional(),
      proration_behavior: prorationBehavior.optional(),
    })
    .optional(),
});
const shared = {
  business_profile: z
    .strictObject({
      headline: z.string().max(60).optional(),
      privacy_policy_url: emptyable(url).optional(),
      terms_of_service_url: emptyable(url).optional(),
    })
    .optional(),
  default_return_url: emptyable(url).optional(),
  metadata: metadata.optional(),
  name: emptyable(text).optional(),
};
export const configurationParams = z.strictObject({ ...shared, features });
export const configurationUpdate = z.strictObject({
  ...shared,
  active: flag.optional(),
  features: features.optional(),
});
type Params = z.output<typeof configurationUpdate>;

const noFeatures: Features = {
  customer_update: { allowed_updates: [], enabled: false },
  invoice_history: { enabled: false },
  payment_method_update: { enabled: false, payment_method_configuration: null },
  subscription_cancel: {
    cancellation_reason: {
      enabled: false,
      feedback_options: null,
      options: ["too_expensive", "missing_features", "switched_service", "unused", "other"],
    },
    enabled: false,
    mode: "at_period_end",
    proration_behavior: "none",
  },
  subscription_pause: { duration: { interval_options: [], type: "indefinite" }, enabled: false },
  subscription_update: {
    billing_cycle_anchor: null,
    default_allowed_updates: [],
    enabled: false,
    products: null,
    proration_behavior: "none",
    schedule_at_period_end: { conditions: [] },
    trial_update_behavior: "end_trial",
  },
};

/** The given fields over the old ones. */
const over = <T extends object>(old: T, given: object | undefined): T => ({
  ...old,
  ...Object.fromEntries(Object.entries(given ?? {}).filter(([, value]) => value !== undefined)),
});

function featuresOf(old: Features, given: z.output<typeof features> | undefined): Features {
  const { cancellation_reason: reason, ...cancel } = given?.subscription_cancel ?? {};
  const { products, default_allowed_updates, ...update } = given?.subscription_update ?? {};
  const allowed = given?.customer_update?.allowed_updates;
  const adjustable_quantity = { enabled: false, maximum: null, minimum: 1 };
  const next: Features = {
    ...old,
    customer_update: { ...over(old.customer_update, given?.customer_update), allowed_updates: allowed ?? [] },
    invoice_history: over(old.invoice_history, given?.invoice_history),
    payment_method_update: over(old.payment_method_update, given?.payment_method_update),
    subscription_cancel: {
      ...over(old.subscription_cancel, cancel),
      cancellation_reason: over(old.subscription_cancel.cancellation_reason, reason),
    },
    subscription_update: {
      ...over(old.subscription_update, update),
      ...(default_allowed_updates !== undefined && { default_allowed_updates: default_allowed_updates ?? [] }),
      ...(products !== undefined && { products: products?.map((one) => ({ ...one, adjustable_quantity })) ?? null }),
    },
  };
  const { enabled, default_allowed_updates: updates, products: choice } = next.subscription_update;
  if (enabled && (updates.length === 0 || !choice?.length))
    throw refused(
      "You must provide `default_allowed_updates` and `products` when `features[subscription_update]` is enabled.",
      { code: "parameter_missing", param: "features[subscription_update]" },
    );
  return next;
}

const blank = (store: Store): Configuration => ({
  id: store.id("bpc"),
  object: "billing_portal.configuration",
  active: true,
  application: null,
  business_profile: { headline: null, privacy_policy_url: null, terms_of_service_url: null },
  created: store.now,
  default_return_url: null,
  features: noFeatures,
  is_default: false,
  livemode: store.livemode,
  login_page: { enabled: false, url: null },
  metadata: {},
  name: null,
  updated: store.now,
});

/** Creates or updates a configuration. @throws Failure for unknown prices and products */
export function configure(store: Store, params: Params, old?: Configuration): Configuration {
  const base = old ?? blank(store);
  for (const { product, prices } of params.features?.subscription_update?.products ?? []) {
    store.get("product", product, "features[subscription_update][products]");
    for (const price of prices) store.get("price", price, "features[subscription_update][products]");
  }
  const { business_profile, default_return_url, name, active } = params;
  const patch: Partial<Configuration> = {
    features: featuresOf(base.features, params.features),
    business_profile: over(base.business_profile, business_profile),
    metadata: merge(base.metadata ?? {}, params.metadata),
    updated: store.now,
    ...(default_return_url !== undefined && { default_return_url }),
    ...(name !== undefined && { name }),
    ...(active !== undefined && { active }),
  };
  return old
    ? store.change(base, patch, "billing_portal.configuration.updated")
    : store.put({ ...base, ...patch }, "billing_portal.configuration.created");
}

/** The same as "Save" in the portal settings of Stripe's dashboard. */
export function saveDefault(store: Store): Configuration {
  const [old] = store.page("billing_portal.configuration", { limit: 1 }, { is_default: true }).data;
  const features = {
    invoice_history: { enabled: true },
    payment_method_update: { enabled: true },
    subscription_cancel: { enabled: true },
  };
  return store.change(configure(store, { features }, old), { is_default: true });
}
