import type Stripe from "stripe";
import { dateText, day } from "../billing/period.js";
import { priceText } from "../billing/price.js";
import { moneyText } from "../engine/amount.js";
import type { CheckoutMode, Page, PageReply, PageRequest, Store } from "../engine/engine.js";
import { Failure, refused } from "../engine/failure.js";
import { pageOfAuthentication } from "../payment/attempt.js";
import { completeMode, type Outcome, pay, resume, type Shopper } from "../payment/checkout-payment.js";
import { createMethod } from "../payment/payment-method.js";
import { cardFields, field, testCards } from "./card-form.js";
import { escapeHtml, page } from "./markup.js";

type Session = Stripe.Checkout.Session;
type Modes = Partial<Record<string, CheckoutMode>>;

function emailOf(session: Session, store: Store): string | null {
  const customer = store.find("customer", typeof session.customer === "string" ? session.customer : null);
  return session.customer_email ?? (customer && !customer.deleted ? customer.email : null) ?? null;
}

const verbs: Record<string, (total: string) => string> = {
  payment: (total) => `Pay ${total}`,
  subscription: () => "Subscribe",
  setup: () => "Save card",
};

function lineRows(session: Session, store: Store) {
  const lines = store.find("stand_in.checkout", session.id)?.lines ?? [];
  const row = ({ description, quantity, amount_total, currency }: Stripe.LineItem) =>
    `<tr><td>${escapeHtml(description ?? "")} × ${quantity}</td><td>${moneyText(amount_total, currency)}</td></tr>`;
  return `<table>${lines.map(row).join("")}</table>`;
}

/** What a subscription costs, and from when. */
function termText(session: Session, store: Store): string {
  const { lines = [], params } = store.find("stand_in.checkout", session.id) ?? {};
  const price = lines[0]?.price;
  if (session.mode !== "subscription" || !price) return "";
  const { trial_end, trial_period_days: days } = params?.subscription_data ?? {};
  const trial = days === undefined ? Number(trial_end ?? 0) : session.created + days * day;
  const cost = priceText(price);
  const text = trial <= store.now ? cost : `Free until ${dateText(trial)}, then ${cost}`;
  return `<p class="quiet">${escapeHtml(text)}</p>`;
}

const sepa = (button: string) => `<label>or your IBAN, for a SEPA debit<input name="iban"></label>
<button name="with" value="sepa_debit" class="second" formnovalidate>${button} by debit</button>`;

/** The payment form; `problem` is the message of the last attempt. */
function formPage(session: Session, store: Store, problem?: string, entered = new URLSearchParams()) {
  const total = session.amount_total === null ? "" : moneyText(session.amount_total, session.currency ?? "eur");
  const button = escapeHtml((verbs[session.mode] ?? verbs.payment)?.(total) ?? "Pay");
  const email = emailOf(session, store);
  const known = email
    ? `<p class="quiet">${escapeHtml(email)}</p>`
    : field("E-mail", "email", 'type="email" autocomplete="email"', entered.get("email") ?? "");
  const body = `<h1>Checkout</h1><p class="amount">${escapeHtml(total)}</p>${lineRows(session, store)}${termText(session, store)}
<form method="post">${known}
${cardFields(entered.get("number") ?? undefined)}
${field("Name on card", "name", 'autocomplete="cc-name"', entered.get("name") ?? "Ada Lovelace")}
${problem ? `<p role="alert">${escapeHtml(problem)}</p>` : ""}
<button>${button}</button>${session.payment_method_types.includes("sepa_debit") ? sepa(button) : ""}</form>
${testCards}
${session.cancel_url ? `<p><a href="${escapeHtml(session.cancel_url)}">Back</a></p>` : ""}`;
  return { html: page("Checkout", body), status: problem ? 402 : 200 };
}

function closedPage(session: Session): PageReply {
  const back = session.cancel_url ? `<p><a href="${escapeHtml(session.cancel_url)}">Back</a></p>` : "";
  const text = session.status === "complete" ? "You have paid already" : "This checkout has expired";
  return { html: page("Checkout", `<h1>${text}</h1>${back}`), status: 410 };
}

const addressOf = (session: Session, store: Store) =>
  `${store.publicUrl}/c/pay/${store.account ?? "platform"}/${session.id}`;

function found({ path }: PageRequest, platform: Store): [Session, Store] {
  const store = platform.in(path.account === "platform" ? undefined : path.account);
  return [store.get("checkout.session", path.id), store];
}

/** The payment method of the form. @throws Failure 402 */
function methodFrom(form: URLSearchParams, shopper: Shopper, store: Store): Stripe.PaymentMethod {
  const email = shopper.email ?? undefined;
  const billing_details = { ...(email && { email }), ...(shopper.name && { name: shopper.name }) };
  const debit = form.get("with") === "sepa_debit";
  if (debit)
    return createMethod({ type: "sepa_debit", sepa_debit: { iban: form.get("iban") ?? "" }, billing_details }, store, {
      browser: true,
    });
  const [month, year] = (form.get("expiry") ?? "").split("/").map((part) => Number(part.trim()));
  const card = {
    number: form.get("number") ?? "",
    exp_month: month ?? 0,
    exp_year: (year ?? 0) + (year && year < 100 ? 2000 : 0),
    cvc: (form.get("cvc") ?? "").trim(),
  };
  return createMethod({ type: "card", card, billing_details }, store, { browser: true });
}

function shopperOf(session: Session, form: URLSearchParams, store: Store): Shopper {
  const email = emailOf(session, store) ?? form.get("email");
  if (!email?.includes("@")) throw refused("Your email is incomplete.");
  return { email, name: form.get("name") || null };
}

/** Redirects to the bank's page or back to the shop. */
function next({ session, authenticate }: Outcome, store: Store): PageReply {
  const back = encodeURIComponent(`${addressOf(session, store)}/return`);
  if (authenticate) {
    const intent = authenticate.startsWith("seti_")
      ? store.get("setup_intent", authenticate)
      : store.get("payment_intent", authenticate);
    return { redirect: `${pageOfAuthentication(intent, store)}&back=${back}` };
  }
  return { redirect: (session.success_url ?? "").replaceAll("{CHECKOUT_SESSION_ID}", session.id) };
}

function takePayment(modes: Modes, session: Session, method: Stripe.PaymentMethod, shopper: Shopper, store: Store) {
  const mode = modes[session.mode];
  return mode
    ? completeMode(mode, session, method, shopper, store)
    : pay(session, method, shopper, `${addressOf(session, store)}/return`, store);
}

function submit(modes: Modes, request: PageRequest, platform: Store): PageReply {
  const [session, store] = found(request, platform);
  if (session.status !== "open") return closedPage(session);
  try {
    const shopper = shopperOf(session, request.form, store);
    const method = methodFrom(request.form, shopper, store);
    const desk = store.get("stand_in.checkout", session.id);
    const { email, name } = shopper;
    store.change(desk, { method: method.id, ...(email && { email }), ...(name && { name }) });
    return next(takePayment(modes, session, method, shopper, store), store);
  } catch (error) {
    if (error instanceof Failure) return formPage(session, store, error.message, request.form);
    throw error;
  }
}

/** The return page of an authentication, successful or failed. */
function comeBack(modes: Modes, request: PageRequest, platform: Store): PageReply {
  const [session, store] = found(request, platform);
  if (session.status !== "open") return session.status === "complete" ? next({ session }, store) : closedPage(session);
  const { method = "", email = null, name = null } = store.get("stand_in.checkout", session.id);
  try {
    const mode = modes[session.mode];
    const outcome = mode
      ? completeMode(mode, session, store.get("payment_method", method), { email, name }, store)
      : resume(session, { email, name }, store);
    return next(outcome, store);
  } catch (error) {
    if (error instanceof Failure) return formPage(session, store, error.message);
    throw error;
  }
}

export const checkoutPages = (modes: Modes): readonly Page[] => [
  {
    method: "GET",
    path: "/c/pay/:account/:id",
    run(request, platform) {
      const [session, store] = found(request, platform);
      return session.status === "open" ? formPage(session, store) : closedPage(session);
    },
  },
  { method: "POST", path: "/c/pay/:account/:id", run: (request, platform) => submit(modes, request, platform) },
  { method: "GET", path: "/c/pay/:account/:id/return", run: (request, platform) => comeBack(modes, request, platform) },
];
