import type Stripe from "stripe";
import type { Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { attempt, isManual } from "./attempt.js";
import { checkAbleToCharge } from "./intent.js";
import type { Confirm } from "./intent-shape.js";
import { createMethod, methodOf } from "./payment-method.js";

type Intent = Stripe.PaymentIntent;

const unexpected = (message: string, payment_intent: Intent) =>
  refused(message, { code: "payment_intent_unexpected_state", payment_intent });

/** @throws Failure unless the status allows a confirmation */
function checkStatus(intent: Intent) {
  const { status } = intent;
  if (["requires_payment_method", "requires_confirmation", "requires_action"].includes(status)) return;
  if (status === "succeeded")
    throw unexpected(
      "You cannot confirm this PaymentIntent because it has already succeeded after being previously confirmed.",
      intent,
    );
  throw unexpected(
    `You cannot confirm this PaymentIntent because it has a status of ${status}. Only a PaymentIntent with one of the following statuses may be confirmed: requires_confirmation, requires_action.`,
    intent,
  );
}

/** Automatic payment methods may redirect, so a confirmation needs a return URL unless redirects are excluded. */
function checkReturn(intent: Intent, returnUrl: string | undefined) {
  const automatic = intent.automatic_payment_methods;
  if (!automatic?.enabled || automatic.allow_redirects === "never" || returnUrl) return;
  throw refused(
    "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of these payment methods might redirect your customer off of your page, you must provide a `return_url`. If you don't want to accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents.",
    { payment_intent: intent },
  );
}

/** @throws Failure for a payment method of another customer, or one that was used without being attached */
function checkOwner(method: Stripe.PaymentMethod, intent: Intent, store: Store) {
  if (method.customer && method.customer !== intent.customer)
    throw refused(
      intent.customer
        ? `The customer does not have a payment method with the ID ${method.id}. The payment method must be attached to the customer.`
        : "The payment method you provided is attached to a customer so for security purposes you must provide the customer in the request.",
      { param: "payment_method" },
    );
  const used =
    !method.customer && store.by("charge", "payment_method", method.id).some(({ status }) => status !== "failed");
  if (used)
    throw refused(
      "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared with a connected account without Customer attachment, or was detached from a Customer. It may not be used again. To use a PaymentMethod multiple times, you must attach it to a Customer first.",
      { param: "payment_method" },
    );
}

function checkType(method: Stripe.PaymentMethod, intent: Intent) {
  if (!intent.payment_method_types.includes(method.type))
    throw refused(
      `The PaymentMethod provided (${method.type}) is not allowed for this PaymentIntent. Please attach a PaymentMethod of one of the following types: ${intent.payment_method_types.join(", ")}.`,
      { param: "payment_method", payment_intent: intent },
    );
  if (isManual(intent, method) && method.type !== "card")
    throw refused(`The payment method type ${method.type} does not support capture_method manual.`, {
      param: "capture_method",
    });
}

export interface Confirmation {
  readonly method?: Stripe.PaymentMethod;
  readonly offSession?: boolean | undefined;
  readonly returnUrl?: string | undefined;
  readonly errorOnAction?: boolean | undefined;
  /** The shopper accepted the mandate of a debit. */
  readonly mandate?: boolean | undefined;
}

/**
 * Confirms a PaymentIntent: tries to take its money.
 * @throws Failure 400 when it must not, 402 when the bank declines; then the PaymentIntent asks for another method
 */
export function confirmIntent(intent: Intent, how: Confirmation, store: Store): Intent {
  checkStatus(intent);
  checkAbleToCharge(store);
  const id = typeof intent.payment_method === "string" ? intent.payment_method : undefined;
  const method = how.method ?? store.find("payment_method", id);
  if (!method)
    throw unexpected(
      "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a payment method or ConfirmationToken.",
      intent,
    );
  checkType(method, intent);
  checkOwner(method, intent, store);
  checkReturn(intent, how.returnUrl ?? (how.offSession ? "none" : undefined));
  if (method.type !== "card" && !how.mandate && !how.offSession)
    throw refused(
      "This PaymentIntent requires a mandate, but no existing mandate was found. Collect mandate acceptance from the customer and try again, providing acceptance data in the mandate_data parameter.",
      { payment_intent: intent },
    );
  const options = {
    offSession: how.offSession ?? false,
    returnUrl: how.returnUrl,
    errorOnAction: how.errorOnAction ?? false,
  };
  return attempt(intent, method, options, store);
}

/** The payment method that a request names or describes. @throws Failure */
export function methodFrom(
  params: Pick<Confirm, "payment_method" | "payment_method_data">,
  browser: boolean,
  store: Store,
) {
  if (params.payment_method && params.payment_method_data)
    throw refused("You may only specify one of these parameters: payment_method, payment_method_data.");
  if (params.payment_method) return methodOf(params.payment_method, store);
  return params.payment_method_data && createMethod(params.payment_method_data, store, { browser });
}

/** Reads the confirmation of a request. */
export function confirmationOf(params: Omit<Confirm, "client_secret">, method: Stripe.PaymentMethod | undefined) {
  return {
    ...(method && { method }),
    offSession: params.off_session,
    returnUrl: params.return_url,
    errorOnAction: params.error_on_requires_action,
    mandate: params.mandate_data !== undefined,
  };
}
