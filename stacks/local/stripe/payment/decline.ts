import type Stripe from "stripe";
import { Failure } from "../engine/failure.js";

export interface Decline {
  readonly code: string;
  readonly decline_code?: string;
  readonly message: string;
}

/** Declines by the name that `Chaos.decline` and the test cards use. @see https://docs.stripe.com/declines/codes */
const declines: Record<string, Decline> = {
  expired_card: { code: "expired_card", message: "Your card has expired." },
  incorrect_cvc: { code: "incorrect_cvc", message: "Your card's security code is incorrect." },
  incorrect_number: { code: "incorrect_number", message: "Your card number is incorrect." },
  processing_error: {
    code: "processing_error",
    message: "An error occurred while processing your card. Try again in a little bit.",
  },
  insufficient_funds: {
    code: "card_declined",
    decline_code: "insufficient_funds",
    message: "Your card has insufficient funds.",
  },
  authentication_required: {
    code: "authentication_required",
    decline_code: "authentication_required",
    message: "Your card was declined. This transaction requires authentication.",
  },
  card_velocity_exceeded: {
    code: "card_declined",
    decline_code: "card_velocity_exceeded",
    message: "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
  },
  test_mode_live_card: {
    code: "card_declined",
    decline_code: "test_mode_live_card",
    message:
      "Your card was declined. Your request was in test mode, but used a non test (live) card. For a list of valid test cards, visit: https://stripe.com/docs/testing.",
  },
};

/** Other names (`generic_decline`, `lost_card`, `fraudulent`, …) are plain declines with that reason. */
export const declineOf = (name: string): Decline =>
  declines[name] ?? { code: "card_declined", decline_code: name, message: "Your card was declined." };

/** The error 402 of a declined payment. */
export const declined = (
  { code, decline_code, message }: Decline,
  about: {
    charge?: string | undefined;
    payment_intent?: Stripe.PaymentIntent;
    payment_method?: Stripe.PaymentMethod;
    setup_intent?: Stripe.SetupIntent;
    param?: string;
  },
) => new Failure(402, { type: "card_error", code, decline_code, message, ...about });

/** The value of `last_payment_error` and `last_setup_error`. */
export const errorOf = ({ code, decline_code, message }: Decline, method: Stripe.PaymentMethod, charge?: string) => ({
  ...(charge && { charge }),
  code: code as Stripe.PaymentIntent.LastPaymentError.Code,
  ...(decline_code && { decline_code }),
  doc_url: `https://stripe.com/docs/error-codes/${code.replaceAll("_", "-")}`,
  message,
  payment_method: method,
  type: "card_error" as const,
});
