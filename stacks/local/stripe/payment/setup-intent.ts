import type Stripe from "stripe";
import { z } from "zod";
import { type Call, type Module, route, type Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { randomText } from "../engine/id.js";
import { flag, listing, merge, metadata, oneOf, text } from "../engine/shape.js";
import { nextAction } from "./attempt.js";
import { application } from "./balance.js";
import { methodFrom } from "./confirmation.js";
import { declined, declineOf, errorOf } from "./decline.js";
import { typesFor } from "./intent.js";
import { attach, behaviour, checkCustomer, failsLater, methodData } from "./payment-method.js";

type Setup = Stripe.SetupIntent;

const confirmation = {
  payment_method: text.optional(),
  payment_method_data: z.strictObject(methodData).optional(),
  return_url: text.optional(),
  use_stripe_sdk: flag.optional(),
  mandate_data: z.looseObject({}).optional(),
};
const details = {
  customer: text.optional(),
  description: z.string().optional(),
  metadata: metadata.optional(),
  payment_method_types: z.array(text).optional(),
};
const create = z.strictObject({
  ...confirmation,
  ...details,
  automatic_payment_methods: z
    .strictObject({ enabled: flag, allow_redirects: oneOf("always", "never").optional() })
    .optional(),
  confirm: flag.optional(),
  usage: oneOf("off_session", "on_session").optional(),
});
const confirm = z.strictObject({ ...confirmation, client_secret: text.optional() });

/** A new SetupIntent; the caller stores it. */
export function newSetup(fields: Partial<Setup>, store: Store): Setup {
  const id = store.id("seti");
  return {
    id,
    object: "setup_intent",
    allowed_payment_method_types: null,
    application: store.account ? application : null,
    automatic_payment_methods: null,
    cancellation_reason: null,
    client_secret: `${id}_secret_${randomText(25)}`,
    created: store.now,
    customer: null,
    customer_account: null,
    description: null,
    excluded_payment_method_types: null,
    flow_directions: null,
    last_setup_error: null,
    latest_attempt: null,
    livemode: store.livemode,
    managed_payments: null,
    mandate: null,
    metadata: {},
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: { card: { mandate_options: null, network: null, request_three_d_secure: "automatic" } },
    payment_method_types: typesFor("eur", false, store),
    single_use_mandate: null,
    status: fields.payment_method ? "requires_confirmation" : "requires_payment_method",
    usage: "off_session",
    ...fields,
  };
}

const unexpected = (setup_intent: Setup, verb: string) =>
  refused(`You cannot ${verb} this SetupIntent because it has a status of ${setup_intent.status}.`, {
    code: "setup_intent_unexpected_state",
    setup_intent,
  });

/** Completes a SetupIntent and attaches its payment method to the customer. */
export function finishSetup(setup: Setup, method: Stripe.PaymentMethod, store: Store): Setup {
  if (typeof setup.customer === "string") attach(method, setup.customer, store);
  const patch = { last_setup_error: null, next_action: null, payment_method: method.id, status: "succeeded" };
  return store.change(setup, patch, "setup_intent.succeeded");
}

export function failSetup(setup: Setup, method: Stripe.PaymentMethod, name: string, store: Store): Setup {
  const last_setup_error = errorOf(declineOf(name), method) as unknown as Stripe.SetupIntent.LastSetupError;
  const patch = { last_setup_error, next_action: null, payment_method: null, status: "requires_payment_method" };
  return store.change(setup, patch, "setup_intent.setup_failed");
}

/** @throws Failure 400 when the status forbids a confirmation, 402 when the bank declines */
export function confirmSetup(setup: Setup, method: Stripe.PaymentMethod, returnUrl: string | undefined, store: Store) {
  if (!setup.status.startsWith("requires_")) throw unexpected(setup, "confirm");
  const { decline, authentication, number } = behaviour(method);
  if (authentication) {
    const next_action = nextAction(setup, returnUrl, store) as Stripe.SetupIntent.NextAction;
    const patch = { next_action, payment_method: method.id, status: "requires_action" };
    return store.change(setup, patch, "setup_intent.requires_action");
  }
  const refusal = (number === failsLater ? undefined : decline) ?? store.declines();
  if (!refusal) return finishSetup(setup, method, store);
  throw declined(declineOf(refusal), {
    setup_intent: failSetup(setup, method, refusal, store),
    payment_method: method,
  });
}

function confirmed(setup: Setup, call: Call<z.output<typeof confirm>>, store: Store) {
  const method =
    methodFrom(call.params, call.credential === "publishable", store) ??
    store.find("payment_method", typeof setup.payment_method === "string" ? setup.payment_method : undefined);
  if (!method)
    throw refused(
      "You cannot confirm this SetupIntent because it's missing a payment method. Update the SetupIntent with a payment method and then confirm it again.",
      { code: "setup_intent_unexpected_state", setup_intent: setup },
    );
  return confirmSetup(setup, method, call.params.return_url, store);
}

function createSetup(call: Call<z.output<typeof create>>, store: Store): Setup {
  const { params } = call;
  if (params.customer) checkCustomer(params.customer, store);
  const types = params.payment_method_types;
  const automatic = types ? null : { allow_redirects: "always", enabled: true, ...params.automatic_payment_methods };
  const fields = {
    automatic_payment_methods: automatic as Setup["automatic_payment_methods"],
    customer: params.customer ?? null,
    description: params.description ?? null,
    metadata: params.metadata ?? {},
    ...(types && { payment_method_types: types }),
    usage: params.usage ?? "off_session",
  };
  const setup = store.put(newSetup(fields, store), "setup_intent.created");
  if (params.confirm) return confirmed(setup, call, store);
  const method = methodFrom(params, false, store);
  return method ? store.change(setup, { payment_method: method.id, status: "requires_confirmation" }) : setup;
}

/** @throws Failure for a publishable key without the client secret */
function findWithSecret(call: Call<{ client_secret?: string | undefined }>, store: Store): Setup {
  const setup = store.get("setup_intent", call.path.id);
  const { client_secret } = call.params;
  if (client_secret !== setup.client_secret && (call.credential === "publishable" || client_secret !== undefined))
    throw refused("The client_secret provided does not match the client_secret associated with this SetupIntent.", {
      param: "client_secret",
    });
  return setup;
}

export const setupIntents: Module = {
  kinds: [{ type: "setup_intent", prefix: "seti", index: ["customer", "payment_method"] }],
  routes: [
    route("POST", "/v1/setup_intents", create, createSetup),
    route(
      "GET",
      "/v1/setup_intents",
      z.strictObject({ ...listing, customer: text.optional(), payment_method: text.optional() }),
      ({ params: { customer, payment_method, ...params } }, store) =>
        store.page("setup_intent", params, { payment_method, customer }),
    ),
    route("GET", "/v1/setup_intents/:id", z.strictObject({ client_secret: text.optional() }), findWithSecret, {
      publishable: true,
    }),
    route("POST", "/v1/setup_intents/:id", z.strictObject({ ...details }), ({ path, params }, store) => {
      const setup = store.get("setup_intent", path.id);
      const { metadata: change, ...rest } = params;
      const told = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
      return store.change(setup, { ...told, metadata: merge(setup.metadata ?? {}, change) });
    }),
    route(
      "POST",
      "/v1/setup_intents/:id/confirm",
      confirm,
      (call, store) => confirmed(findWithSecret(call, store), call, store),
      { publishable: true },
    ),
    route(
      "POST",
      "/v1/setup_intents/:id/cancel",
      z.strictObject({ cancellation_reason: oneOf("abandoned", "duplicate", "requested_by_customer").optional() }),
      ({ path, params }, store) => {
        const setup = store.get("setup_intent", path.id);
        if (!setup.status.startsWith("requires_")) throw unexpected(setup, "cancel");
        const patch = {
          cancellation_reason: params.cancellation_reason ?? null,
          next_action: null,
          status: "canceled",
        };
        return store.change(setup, patch, "setup_intent.canceled");
      },
    ),
  ],
};
