import type Stripe from "stripe";
import type { Store } from "../engine/engine.js";
import { Failure } from "../engine/failure.js";
import { attach, createMethod } from "../payment/payment-method.js";
import { escapeHtml, page } from "./markup.js";

export const field = (label: string, name: string, attributes: string, value = "") =>
  `<label>${label}<input name="${name}" value="${escapeHtml(value)}" ${attributes} required></label>`;

const usual = "4242 4242 4242 4242";

/** The fields of a card form, filled in with a card that is paid. */
export const cardFields = (
  number = usual,
) => `${field("Card number", "number", `inputmode="numeric" autocomplete="cc-number" placeholder="${usual}"`, number)}
<div class="pair">${field("Expiry", "expiry", 'autocomplete="cc-exp" placeholder="MM / YY"', "12 / 34")}
${field("CVC", "cvc", 'inputmode="numeric" autocomplete="cc-csc" placeholder="123"', "123")}</div>`;

/** Other cards to try, which one click selects. */
export const testCards = `<p class="quiet">A test card is filled in, and no money moves. Others:</p>
<table class="quiet"><tr><td><code>4000 0000 0000 0002</code></td><td>declined</td></tr>
<tr><td><code>4000 0000 0000 9995</code></td><td>insufficient funds</td></tr>
<tr><td><code>4000 0027 6000 3184</code></td><td>asks for a proof (3-D Secure)</td></tr></table>`;

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
