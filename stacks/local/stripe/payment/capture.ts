import type Stripe from "stripe";
import { moneyText } from "../engine/amount.js";
import type { Action, Module, Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { merge } from "../engine/shape.js";
import { finishDebit } from "./attempt.js";
import { book } from "./charge.js";
import { updateSession } from "./checkout-payment.js";
import type { Capture } from "./intent-shape.js";
import { release } from "./refund.js";

type Intent = Stripe.PaymentIntent;

const unexpected = (message: string, payment_intent: Intent) =>
  refused(message, { code: "payment_intent_unexpected_state", payment_intent });

function checkCapture(intent: Intent, charge: Stripe.Charge, amount: number, params: Capture) {
  if (amount > intent.amount_capturable)
    throw refused(
      `The requested capture amount is greater than the amount you can capture: you asked for ${moneyText(amount, intent.currency)}, but only ${moneyText(intent.amount_capturable, intent.currency)} can be captured.`,
      { code: "amount_too_large", param: "amount_to_capture" },
    );
  // A final capture of zero voids the rest of a multicapture. @see https://docs.stripe.com/payments/multicapture
  const letsGo = amount === 0 && params.final_capture === true && charge.amount_captured > 0;
  if (amount < 1 && !letsGo)
    throw refused("Invalid positive integer", { code: "parameter_invalid_integer", param: "amount_to_capture" });
  const multicapture = charge.payment_method_details?.card?.multicapture?.status === "available";
  if (params.final_capture === false && !multicapture)
    throw refused(
      "This PaymentIntent cannot be captured several times: `final_capture` can only be `false` when multicapture is available for the charge.",
      { param: "final_capture" },
    );
  const fee = params.application_fee_amount ?? intent.application_fee_amount;
  if (fee && fee > amount + charge.amount_captured)
    throw refused("The application fee cannot be greater than the amount that is captured.", {
      param: "application_fee_amount",
    });
}

/** Captures authorized money; the final capture voids the rest of the authorization. @throws Failure */
export function captureIntent(intent: Intent, params: Capture, store: Store): Intent {
  if (intent.status !== "requires_capture")
    throw unexpected(
      `This PaymentIntent could not be captured because it has a status of ${intent.status}. Only a PaymentIntent with one of the following statuses may be captured: requires_capture.`,
      intent,
    );
  const charge = store.get("charge", String(intent.latest_charge));
  const amount = params.amount_to_capture ?? intent.amount_capturable;
  checkCapture(intent, charge, amount, params);
  const rest = intent.amount_capturable - amount;
  const final = params.final_capture !== false || rest === 0;
  const fee = params.application_fee_amount ?? intent.application_fee_amount;
  const captured = store.change(
    charge,
    {
      amount_captured: charge.amount_captured + amount,
      captured: true,
      ...(amount > 0 && book(charge, amount, final ? fee : null, store)),
      ...(final && { application_fee_amount: fee }),
    },
    "charge.captured",
  );
  if (final && rest > 0) release(captured, rest, null, store);
  const next = store.change(
    intent,
    {
      amount_capturable: final ? 0 : rest,
      amount_received: intent.amount_received + amount,
      application_fee_amount: fee,
      metadata: merge(intent.metadata, params.metadata),
      status: final ? "succeeded" : "requires_capture",
    },
    final ? "payment_intent.succeeded" : "payment_intent.amount_capturable_updated",
  );
  if (final) updateSession(next, store);
  return next;
}

const cancelable = ["requires_payment_method", "requires_capture", "requires_confirmation", "requires_action"];

/** Cancels a PaymentIntent and voids its authorization. @throws Failure payment_intent_unexpected_state */
export function cancelIntent(intent: Intent, reason: Intent["cancellation_reason"], store: Store): Intent {
  if (!cancelable.includes(intent.status))
    throw unexpected(
      `You cannot cancel this PaymentIntent because it has a status of ${intent.status}. Only a PaymentIntent with one of the following statuses may be canceled: ${cancelable.join(", ")}, processing.`,
      intent,
    );
  if (intent.status === "requires_capture") {
    const charge = store.get("charge", String(intent.latest_charge));
    release(charge, intent.amount_capturable, "requested_by_customer", store);
  }
  const captured = intent.amount_received > 0;
  return store.change(
    intent,
    {
      amount_capturable: 0,
      next_action: null,
      ...(captured
        ? { status: "succeeded" }
        : { status: "canceled", canceled_at: store.now, cancellation_reason: reason }),
    },
    captured ? "payment_intent.succeeded" : "payment_intent.canceled",
  );
}

/** The PaymentIntent of an action's input `{ "payment_intent": "pi_…", "account": "acct_…" }`, and its store. */
function named(input: Record<string, unknown>, platform: Store): [Intent, Store] {
  const store = platform.in(typeof input.account === "string" ? input.account : undefined);
  return [store.get("payment_intent", String(input.payment_intent)), store];
}

function settleDebit(intent: Intent, store: Store): Intent {
  const finished = finishDebit(intent, store);
  updateSession(finished, store);
  return finished;
}

const settleNow: Action = (input, platform) => {
  const [intent, store] = named(input, platform);
  if (intent.status !== "processing") throw unexpected("This PaymentIntent is not processing.", intent);
  return settleDebit(intent, store);
};

/** Captures, cancellations and the timers of payments. */
export const captures: Module = {
  timers: {
    "authorization.expires"(store, id) {
      const intent = store.get("payment_intent", id);
      if (intent.status !== "requires_capture") return;
      store.emit("charge.expired", store.get("charge", String(intent.latest_charge)));
      cancelIntent(intent, "automatic", store);
    },
    "debit.settled"(store, id) {
      const intent = store.get("payment_intent", id);
      if (intent.status === "processing") settleDebit(intent, store);
    },
    "charge.booked"(store, id) {
      const charge = store.get("charge", id);
      if (charge.balance_transaction) return;
      const fee = charge.application_fee_amount;
      store.change(charge, book(charge, charge.amount_captured, fee, store), "charge.updated");
    },
  },
  actions: { settle_debit: settleNow },
};
