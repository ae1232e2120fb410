import type Stripe from "stripe";
import { z } from "zod";
import { type Kind, type Route, route, type Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { flag, listing, nothing, oneOf, text } from "../engine/shape.js";
import { liveCustomer } from "./customer.js";
import { type Configuration, configurationParams, configurationUpdate, configure } from "./portal-configuration.js";

const url = z.url({ error: "Not a valid URL" });
const ofSubscription = z.strictObject({ subscription: text });
const flowData = z.strictObject({
  type: oneOf("payment_method_update", "subscription_cancel", "subscription_update", "subscription_update_confirm"),
  after_completion: z
    .strictObject({
      type: oneOf("hosted_confirmation", "portal_homepage", "redirect"),
      hosted_confirmation: z.strictObject({ custom_message: text.optional() }).optional(),
      redirect: z.strictObject({ return_url: url }).optional(),
    })
    .optional(),
  subscription_cancel: ofSubscription.optional(),
  subscription_update: ofSubscription.optional(),
  subscription_update_confirm: z
    .strictObject({
      subscription: text,
      items: z.array(z.strictObject({ id: text, price: text.optional() })),
    })
    .optional(),
});
const sessionParams = z.strictObject({
  customer: text,
  configuration: text.optional(),
  flow_data: flowData.optional(),
  locale: text.optional(),
  return_url: url.optional(),
});
type Session = Stripe.BillingPortal.Session;

/** @throws Failure when the request names no configuration and the account has no default */
function configurationOf(store: Store, id: string | undefined): Configuration {
  if (id !== undefined) {
    const found = store.get("billing_portal.configuration", id, "configuration");
    if (found.active) return found;
    throw refused(`The configuration ${id} is not active.`, { param: "configuration" });
  }
  const [usual] = store.page("billing_portal.configuration", { limit: 1 }, { is_default: true }).data;
  if (usual) return usual;
  throw refused(
    "No configuration provided and your test mode default configuration has not been created. Provide a configuration or create your default by saving your customer portal settings in test mode at https://dashboard.stripe.com/test/settings/billing/portal.",
  );
}

function flowOf(store: Store, customer: string, given: z.output<typeof flowData>): Session["flow"] {
  const { type, after_completion: after } = given;
  const { [type as "subscription_cancel"]: part } = given;
  if (type !== "payment_method_update") {
    if (!part)
      throw refused(`Missing required param: flow_data[${type}].`, { code: "parameter_missing", param: "flow_data" });
    const subscription = store.get("subscription", part.subscription, `flow_data[${type}][subscription]`);
    if (subscription.customer !== customer)
      throw refused(`The subscription ${subscription.id} does not belong to the customer ${customer}.`);
  }
  const confirm = given.subscription_update_confirm;
  return {
    after_completion: {
      hosted_confirmation: null,
      redirect: after?.redirect ?? null,
      type: after?.type ?? "portal_homepage",
      ...(after?.hosted_confirmation && {
        hosted_confirmation: { custom_message: after.hosted_confirmation.custom_message ?? null },
      }),
    },
    customer_update: null,
    subscription_cancel: given.subscription_cancel ? { retention: null, ...given.subscription_cancel } : null,
    subscription_pause: null,
    subscription_update: given.subscription_update ?? null,
    subscription_update_confirm: confirm
      ? {
          discounts: null,
          items: confirm.items.map(({ id, price }) => ({ id, price: price ?? null, quantity: 1 })),
          subscription: confirm.subscription,
        }
      : null,
    type,
  };
}

function open(store: Store, params: z.output<typeof sessionParams>): Session {
  const customer = liveCustomer(store, params.customer, "customer");
  const configuration = configurationOf(store, params.configuration);
  const return_url = params.return_url ?? configuration.default_return_url;
  if (!return_url)
    throw refused("Missing required param: return_url.", { code: "parameter_missing", param: "return_url" });
  const id = store.id("bps");
  const session: Session = {
    id,
    object: "billing_portal.session",
    after_expiration: null,
    configuration: configuration.id,
    created: store.now,
    customer: customer.id,
    customer_account: null,
    flow: params.flow_data ? flowOf(store, customer.id, params.flow_data) : null,
    livemode: store.livemode,
    locale: (params.locale ?? null) as Session["locale"],
    on_behalf_of: null,
    return_url,
    url: `${store.publicUrl}/portal/${store.account ?? "platform"}/${id}`,
  };
  return store.put(session, "billing_portal.session.created");
}

const listParams = z.strictObject({ ...listing, active: flag.optional(), is_default: flag.optional() });
const configurations = "/v1/billing_portal/configurations";

export const portalRoutes: readonly Route[] = [
  route("POST", configurations, configurationParams, ({ params }, store) => configure(store, params)),
  route("GET", configurations, listParams, ({ params: { active, is_default, ...page } }, store) =>
    store.page("billing_portal.configuration", page, { active, is_default }),
  ),
  route("GET", `${configurations}/:id`, nothing, ({ path }, store) =>
    store.get("billing_portal.configuration", path.id),
  ),
  route("POST", `${configurations}/:id`, configurationUpdate, ({ path, params }, store) =>
    configure(store, params, store.get("billing_portal.configuration", path.id)),
  ),
  route("POST", "/v1/billing_portal/sessions", sessionParams, ({ params }, store) => open(store, params)),
];

export const portalKinds: readonly Kind[] = [
  { type: "billing_portal.configuration", prefix: "bpc" },
  { type: "billing_portal.session", prefix: "bps" },
];
