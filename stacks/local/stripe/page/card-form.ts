import type Stripe from "stripe";
import type { Store } from "../engine/engine.js";
import { Failure } from "../engine/failure.js";
import { attach, createMethod } from "../payment/payment-method.js";
import { escapeHtml, page } from "./markup.js";

const field = (label: string, name: string, attributes: string) =>
  `<label>${label}<input name="${name}" ${attributes} required></label>`;

/** The fields of a card form. */
export const cardFields = `${field("Card number", "number", 'inputmode="numeric" autocomplete="cc-number" placeholder="4242 4242 4242 4242"')}
<div class="pair">${field("Expiry", "expiry", 'autocomplete="cc-exp" placeholder="MM / YY"')}
${field("CVC", "cvc", 'inputmode="numeric" autocomplete="cc-csc" placeholder="123"')}</div>`;

/** Attaches the card of the form to the customer. @throws Failure 402 when the bank declines it */
export function cardOfForm(store: Store, form: URLSearchParams, customer: string): Stripe.PaymentMethod {
  const [month = 0, year = 0] = (form.get("expiry") ?? "").split("/").map((part) => Number(part.trim()));
  const card = {
    number: form.get("number") ?? "",
    exp_month: month,
    exp_year: year > 0 && year < 100 ? year + 2000 : year,
    cvc: (form.get("cvc") ?? "").trim(),
  };
  return attach(createMethod({ type: "card", card }, store, { browser: true }), customer, store);
}

export const cardText = ({ card }: Stripe.PaymentMethod) =>
  `${card?.brand ?? ""} •••• ${card?.last4 ?? ""}, ${card?.exp_month}/${card?.exp_year}`;

/** The message of a Failure, which the person can correct. @throws every other error */
export function problemOf(error: unknown): string {
  if (error instanceof Failure) return error.message;
  throw error;
}

export const alert = (problem: string | undefined) => (problem ? `<p role="alert">${escapeHtml(problem)}</p>` : "");

export const goneReply = (text: string) => ({ html: page("Not here", `<h1>${escapeHtml(text)}</h1>`), status: 410 });
