import type Stripe from "stripe";
import { conflict, type Failure } from "../../kernel/error.js";
import {
  amountTooSmall,
  createOrFind,
  currencyCode,
  idOf,
  isGone,
  isKeyExpired,
  minimumChargeOf,
  publishableKeyFor,
  type Refusal,
  refusalOf,
  roundDown,
  type StripeAccount,
  secondsOf,
  toStripe,
  withIdempotencyKey,
  withRetry,
} from "../../stripe/index.js";
import type { Attempt, OpenedAttempt } from "../provider.js";
import { lineItems } from "./line.js";
import { findIntent, findSession, metadataOf } from "./retrieval.js";

/**
 * The payment methods that can be authorized first and captured when the goods are there; all others are paid at once.
 * The capture method is set for each of them: `capture_method: manual` for the whole payment would exclude the others.
 * @see https://docs.stripe.com/payments/place-a-hold-on-a-payment-method
 */
const manualCaptureTypes = [
  "affirm",
  "afterpay_clearpay",
  "amazon_pay",
  "card",
  "cashapp",
  "klarna",
  "link",
  "mobilepay",
  "paypal",
  "revolut_pay",
] as const;

/** The time to pay an attempt: a page of Stripe's stays open for 30 minutes at least. Seconds after its creation. */
const OPEN = 40 * 60;

const lastSecondOf = ({ createdAt }: Attempt) => secondsOf(createdAt) + OPEN;
const secondsLeft = (attempt: Attempt) => Math.max(60, lastSecondOf(attempt) - Math.floor(Date.now() / 1000));

/** @param parts whether multicapture is requested, where the card allows it */
function optionsOf(parts: boolean) {
  const options = Object.fromEntries(manualCaptureTypes.map((type) => [type, { capture_method: "manual" as const }]));
  return { ...options, ...(parts && { card: { ...options.card, request_multicapture: "if_available" as const } }) };
}

/** The parameters of a payment that a PaymentIntent and a checkout session share. */
function termsOf(attempt: Attempt) {
  const { amount, currency, fee, description } = attempt;
  const share = toStripe(roundDown(fee, currency), currency);
  return {
    money: { amount: toStripe(amount, currency), currency: currencyCode(currency) },
    details: { description, metadata: metadataOf(attempt), ...(share > 0 && { application_fee_amount: share }) },
  };
}

function intentParams(attempt: Attempt, parts: boolean): Stripe.PaymentIntentCreateParams {
  const { money, details } = termsOf(attempt);
  return {
    ...money,
    ...details,
    automatic_payment_methods: { enabled: true },
    payment_method_options: optionsOf(parts),
  };
}

/**
 * The address to which the payer returns, with the ids of the order and of the attempt in it. Who builds addresses
 * with `URL` sends the braces encoded. `{CHECKOUT_SESSION_ID}` is Stripe's own, who fills it in.
 */
const fillReturnUrl = (url: string, { id, orderId }: Pick<Attempt, "id" | "orderId">): string =>
  url.replace(/(?:\{|%7B)(ORDER_ID|PAYMENT_ID)(?:\}|%7D)/gi, (_, name: string) =>
    name.toUpperCase() === "ORDER_ID" ? orderId : id,
  );

function sessionParams(attempt: Attempt, parts: boolean): Stripe.Checkout.SessionCreateParams {
  const { money, details } = termsOf(attempt);
  const { id, email } = attempt;
  if (!attempt.returnUrl) throw new Error("A checkout session needs a return URL.");
  const returnUrl = fillReturnUrl(attempt.returnUrl, attempt);
  return {
    mode: "payment",
    line_items: lineItems(attempt, money.amount),
    client_reference_id: id,
    metadata: details.metadata,
    payment_intent_data: details,
    payment_method_options: optionsOf(parts),
    success_url: returnUrl,
    cancel_url: returnUrl,
    expires_at: lastSecondOf(attempt),
    ...(email && { customer_email: email }),
  };
}

/** An account that may not capture in parts has the whole payment refused, `if_available` or not. */
const isIneligible = ({ code, message }: Refusal) =>
  code === "payment_intent_invalid_parameter" && /not eligible for the requested card features/i.test(message);

const expired = (): Failure =>
  conflict("payment.attempt_expired", "The payment attempt has expired. Create another one.");

/** Reads the object that opened an attempt before. @throws Failure conflict when Stripe does not have it any more */
const readOpened = <T>(read: () => Promise<T>): Promise<T> =>
  withRetry(read).catch((error: unknown) => {
    throw isGone(error) ? expired() : error;
  });

type Create<T> = (key: string, parts: boolean) => Promise<T>;

/** The same without multicapture, under another key, because Stripe repeats its refusal for the first key. */
const orSingleCapture = <T>(create: Create<T>, { id }: Attempt): Promise<T> =>
  create(id, true).catch((error: unknown) => {
    const refusal = refusalOf(error);
    if (refusal && isIneligible(refusal)) return create(`${id}/whole`, false);
    throw error;
  });

/**
 * Makes the object that opens an attempt, once: under a key from the attempt's id, or found when Stripe has forgotten
 * the key.
 * @throws Failure conflict, OutcomeUnknown
 */
async function createOnce<T>(
  attempt: Attempt,
  parts: boolean,
  create: Create<T>,
  find: () => Promise<T | undefined>,
): Promise<T> {
  if (isKeyExpired(attempt.createdAt)) {
    const found = await find();
    if (found) return found;
    throw expired();
  }
  const answer = await createOrFind(() => (parts ? orSingleCapture(create, attempt) : create(attempt.id, false)), find);
  if ("refusal" in answer) throw refusalFor(attempt, answer.refusal);
  return answer.done;
}

/** Turns a refusal of Stripe's into the failure that the shop gets. */
function refusalFor({ currency }: Attempt, { code, param }: Refusal): Failure {
  if (code === "amount_too_small") {
    return amountTooSmall(minimumChargeOf(currency));
  }
  if (code === "account_invalid")
    return conflict("payment.provider_unavailable", "The merchant's payment account is no longer connected.");
  if (param === "expires_at") return expired();
  return conflict("payment.refused", "The provider refused the payment; see `reason`.", {
    data: { reason: code, param },
  });
}

const payable = new Set(["requires_payment_method", "requires_confirmation", "requires_action"]);

/** For the shop's own page: Elements confirm it with the client secret. */
export async function openIntent(place: StripeAccount, attempt: Attempt, parts: boolean): Promise<OpenedAttempt> {
  const { stripe, options } = place;
  const { reference: known, account, livemode } = attempt;
  const intent = known
    ? await readOpened(() => stripe.paymentIntents.retrieve(known, {}, options))
    : await createOnce(
        attempt,
        parts,
        (key, several) => stripe.paymentIntents.create(intentParams(attempt, several), withIdempotencyKey(place, key)),
        () => findIntent(place, attempt),
      );
  const { client_secret: clientSecret } = intent;
  const publishableKey = publishableKeyFor(livemode === true);
  const action = { type: "confirm_payment_intent", clientSecret, publishableKey, account };
  return {
    reference: intent.id,
    session: null,
    action: payable.has(intent.status) ? action : null,
    expiresIn: secondsLeft(attempt),
  };
}

/** For Stripe's page: the browser goes there and comes back. */
export async function openSession(place: StripeAccount, attempt: Attempt, parts: boolean): Promise<OpenedAttempt> {
  const { stripe, options } = place;
  const known = attempt.session;
  const session = known
    ? await readOpened(() => stripe.checkout.sessions.retrieve(known, {}, options))
    : await createOnce(
        attempt,
        parts,
        (key, several) =>
          stripe.checkout.sessions.create(sessionParams(attempt, several), withIdempotencyKey(place, key)),
        () => findSession(place, attempt),
      );
  const { id, url, payment_intent } = session;
  const action = url ? { type: "redirect", url } : null;
  return { reference: idOf(payment_intent), session: id, action, expiresIn: secondsLeft(attempt) };
}
