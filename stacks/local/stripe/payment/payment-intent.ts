import type Stripe from "stripe";
import { checkAmount, checkCurrency } from "../engine/amount.js";
import { type Call, type Module, route, type Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { merge } from "../engine/shape.js";
import { cancelIntent, captureIntent } from "./capture.js";
import { confirmationOf, confirmIntent, methodFrom } from "./confirmation.js";
import { checkAbleToCharge, newIntent, typesFor } from "./intent.js";
import * as shape from "./intent-shape.js";
import { checkCustomer } from "./payment-method.js";

type Intent = Stripe.PaymentIntent;

function checkFee(fee: number | null | undefined, amount: number, store: Store) {
  if (fee === undefined || fee === null) return;
  if (!store.account)
    throw refused(
      "Can only apply an application_fee_amount when the PaymentIntent is attempting a direct payment (using an OAuth key or Stripe-Account header) or destination payment (using `transfer_data[destination]`).",
      { param: "application_fee_amount" },
    );
  if (fee > amount)
    throw refused("The application fee cannot be greater than the amount of the payment.", {
      param: "application_fee_amount",
    });
}

function automaticMethods(params: shape.Create): Intent["automatic_payment_methods"] {
  const { automatic_payment_methods: automatic, payment_method_types: types } = params;
  if (automatic?.enabled && types)
    throw refused("You may only specify one of these parameters: automatic_payment_methods, payment_method_types.");
  if (types || automatic?.enabled === false) return null;
  return { allow_redirects: automatic?.allow_redirects ?? "always", enabled: true };
}

/** Parameters that become fields unchanged; `null` unsets, an absent one keeps the old value. */
function detailsFrom(params: shape.Update | shape.Create, old: Partial<Intent> = {}): Partial<Intent> {
  const { application_fee_amount, capture_method, customer, description, receipt_email, setup_future_usage } = params;
  const { shipping, statement_descriptor_suffix, transfer_group, payment_method_types } = params;
  const plain = { application_fee_amount, capture_method, customer, description, receipt_email, setup_future_usage };
  const more = { shipping, statement_descriptor_suffix, transfer_group, payment_method_types };
  const told = Object.entries({ ...plain, ...more }).filter(([, value]) => value !== undefined);
  const options = params.payment_method_options;
  return {
    ...Object.fromEntries(told),
    ...(options && { payment_method_options: optionsFrom(options, old.payment_method_options ?? {}) }),
    metadata: merge(old.metadata ?? {}, params.metadata),
  };
}

const cardDefaults = { installments: null, mandate_options: null, network: null, request_three_d_secure: "automatic" };

/** Merges new options into old ones for each payment method type; an empty value removes an option. */
function optionsFrom(told: object, old: object): Intent["payment_method_options"] {
  const result: Record<string, object> = { ...(old as Record<string, object>) };
  for (const [type, options] of Object.entries(told)) {
    const merged = { ...(type === "card" && cardDefaults), ...result[type], ...options };
    result[type] = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null || type === "card"));
    if (type === "card" && (merged as { capture_method?: null }).capture_method === null)
      delete (result[type] as { capture_method?: null }).capture_method;
  }
  return result;
}

function checkOffSession({ off_session, confirm }: shape.Create) {
  if (off_session !== undefined && !confirm)
    throw refused("You cannot provide `off_session` unless `confirm` is `true`.", { param: "off_session" });
}

function create({ params, credential }: Call<shape.Create>, store: Store): Intent {
  const { amount, currency, confirm } = params;
  checkCurrency(currency);
  checkAmount(amount, currency);
  checkAbleToCharge(store);
  checkFee(params.application_fee_amount, amount, store);
  checkOffSession(params);
  if (params.customer) checkCustomer(params.customer, store);
  const automatic_payment_methods = automaticMethods(params);
  const available = typesFor(currency, params.capture_method === "manual", store);
  if ((params.payment_method_types ?? available).some((type) => !available.includes(type)))
    throw refused(
      `The payment method type provided is invalid. Please ensure the provided type is activated in your dashboard and your account is enabled for any preview features that you are trying to use.`,
      { code: "payment_intent_invalid_parameter", param: "payment_method_types" },
    );
  const method = methodFrom(params, credential === "publishable", store);
  const details = detailsFrom(params);
  const fields = { amount, currency, automatic_payment_methods, ...details, payment_method: method?.id ?? null };
  const payment_method_options = fields.payment_method_options ?? { card: cardDefaults };
  const { confirmation_method = "automatic" } = params;
  const intent = newIntent(
    { ...fields, confirmation_method, payment_method_options } as Parameters<typeof newIntent>[0],
    store,
  );
  store.put(intent, "payment_intent.created");
  return confirm ? confirmIntent(intent, confirmationOf(params, method), store) : intent;
}

const open = new Set(["requires_payment_method", "requires_confirmation", "requires_action"]);

function update({ path, params, credential }: Call<shape.Update>, store: Store): Intent {
  const intent = store.get("payment_intent", path.id);
  const { amount, currency, ...rest } = params;
  const harmless = ["metadata", "description", "receipt_email", "shipping"];
  const told = Object.entries(params).filter(([, value]) => value !== undefined);
  if (!open.has(intent.status) && told.some(([name]) => !harmless.includes(name)))
    throw refused(
      `This PaymentIntent's ${told.find(([name]) => !harmless.includes(name))?.[0]} could not be updated because it has a status of ${intent.status}. You may only update it in one of the following statuses: requires_payment_method, requires_confirmation, requires_action.`,
      { code: "payment_intent_unexpected_state", payment_intent: intent },
    );
  if (currency) checkCurrency(currency);
  if (amount !== undefined || currency) checkAmount(amount ?? intent.amount, currency ?? intent.currency);
  checkFee(params.application_fee_amount, amount ?? intent.amount, store);
  if (params.customer) checkCustomer(params.customer, store);
  const method = methodFrom(params, credential === "publishable", store);
  const patch = {
    ...(amount !== undefined && { amount }),
    ...(currency && { currency }),
    ...detailsFrom(rest, intent),
    ...(method && { payment_method: method.id, status: "requires_confirmation", next_action: null }),
  };
  return store.change(intent, patch);
}

const shown = [
  "id object amount automatic_payment_methods canceled_at cancellation_reason capture_method client_secret",
  "confirmation_method created currency description last_payment_error livemode next_action payment_method",
  "payment_method_configuration_details payment_method_types processing receipt_email setup_future_usage shipping",
  "source status",
].flatMap((line) => line.split(" "));

/** The fields of a PaymentIntent for publishable keys. */
const publicView = (intent: Intent) => Object.fromEntries(shown.map((field) => [field, intent[field as keyof Intent]]));

/** @throws Failure for a publishable key without the client secret */
function findWithSecret(call: Call<{ client_secret?: string | undefined }>, store: Store): Intent {
  const intent = store.get("payment_intent", call.path.id);
  const { client_secret } = call.params;
  if (client_secret === undefined && call.credential === "publishable")
    throw refused("Missing required param: client_secret.", { code: "parameter_missing", param: "client_secret" });
  if (client_secret !== undefined && client_secret !== intent.client_secret)
    throw refused("The client_secret provided does not match the client_secret associated with this PaymentIntent.", {
      param: "client_secret",
    });
  return intent;
}

const seen = (call: Call, intent: Intent) => (call.credential === "publishable" ? publicView(intent) : intent);

function confirm(call: Call<shape.Confirm>, store: Store) {
  const intent = findWithSecret(call, store);
  const { params, credential } = call;
  const method = methodFrom(params, credential === "publishable", store);
  const browser = credential === "publishable";
  const changed = { ...intent, ...detailsFrom(params as shape.Update, intent), metadata: intent.metadata };
  return seen(
    call,
    confirmIntent(changed, { ...confirmationOf(params, method), ...(browser && { mandate: true }) }, store),
  );
}

export const paymentIntents: Module = {
  kinds: [{ type: "payment_intent", prefix: "pi", index: ["customer", "payment_method"] }],
  routes: [
    route("POST", "/v1/payment_intents", shape.create, create),
    route("GET", "/v1/payment_intents", shape.list, ({ params: { customer, ...params } }, store) =>
      store.page("payment_intent", params, { customer }),
    ),
    route("GET", "/v1/payment_intents/:id", shape.retrieve, (call, store) => seen(call, findWithSecret(call, store)), {
      publishable: true,
    }),
    route("POST", "/v1/payment_intents/:id", shape.update, update),
    route("POST", "/v1/payment_intents/:id/confirm", shape.confirm, confirm, { publishable: true }),
    route("POST", "/v1/payment_intents/:id/capture", shape.capture, ({ path, params }, store) =>
      captureIntent(store.get("payment_intent", path.id), params, store),
    ),
    route("POST", "/v1/payment_intents/:id/cancel", shape.cancel, ({ path, params }, store) => {
      const intent = store.get("payment_intent", path.id);
      const [session] = store.by("checkout.session", "payment_intent", intent.id);
      if (session?.status === "open")
        throw refused(
          `You cannot cancel this PaymentIntent because it was created by a Checkout Session (${session.id}). Expire the session instead.`,
          { code: "payment_intent_unexpected_state", payment_intent: intent },
        );
      return cancelIntent(intent, params.cancellation_reason ?? null, store);
    }),
  ],
};
