import type Stripe from "stripe";
import { moneyText } from "../engine/amount.js";
import type { CheckoutMode, Page, PageReply, PageRequest, World } from "../engine/engine.js";
import { Failure, refused } from "../engine/failure.js";
import { pageOfAuthentication } from "../payment/attempt.js";
import { follow, type Outcome, pay, resume, type Shopper } from "../payment/checkout-pay.js";
import { createMethod } from "../payment/payment-method.js";
import { escapeHtml, page } from "./markup.js";

type Session = Stripe.Checkout.Session;
type Modes = Partial<Record<string, CheckoutMode>>;

const field = (label: string, name: string, attributes: string, value = "") =>
  `<label>${label}<input name="${name}" value="${escapeHtml(value)}" ${attributes} required></label>`;

function emailOf(session: Session, world: World): string | null {
  const customer = world.find("customer", typeof session.customer === "string" ? session.customer : null);
  return session.customer_email ?? (customer && !customer.deleted ? customer.email : null) ?? null;
}

const verbs: Record<string, (total: string) => string> = {
  payment: (total) => `Pay ${total}`,
  subscription: () => "Subscribe",
  setup: () => "Save card",
};

function lineRows(session: Session, world: World) {
  const lines = world.find("stand_in.checkout", session.id)?.lines ?? [];
  const row = ({ description, quantity, amount_total, currency }: Stripe.LineItem) =>
    `<tr><td>${escapeHtml(description ?? "")} × ${quantity}</td><td>${moneyText(amount_total, currency)}</td></tr>`;
  return `<table>${lines.map(row).join("")}</table>`;
}

const sepa = (button: string) => `<label>or your IBAN, for a SEPA debit<input name="iban"></label>
<button name="with" value="sepa_debit" class="second" formnovalidate>${button} by debit</button>`;

/** The form as it is shown first, and again with what went wrong. */
function formPage(session: Session, world: World, problem?: string, entered = new URLSearchParams()) {
  const total = session.amount_total === null ? "" : moneyText(session.amount_total, session.currency ?? "eur");
  const button = escapeHtml((verbs[session.mode] ?? verbs.payment)?.(total) ?? "Pay");
  const email = emailOf(session, world);
  const known = email
    ? `<p class="quiet">${escapeHtml(email)}</p>`
    : field("E-mail", "email", 'type="email" autocomplete="email"', entered.get("email") ?? "");
  const body = `<h1>Checkout</h1><p class="amount">${escapeHtml(total)}</p>${lineRows(session, world)}
<form method="post">${known}
${field("Card number", "number", 'inputmode="numeric" autocomplete="cc-number" placeholder="4242 4242 4242 4242"')}
<div class="pair">${field("Expiry", "expiry", 'autocomplete="cc-exp" placeholder="MM / YY"')}
${field("CVC", "cvc", 'inputmode="numeric" autocomplete="cc-csc" placeholder="123"')}</div>
${field("Name on card", "name", 'autocomplete="cc-name"', entered.get("name") ?? "")}
${problem ? `<p role="alert">${escapeHtml(problem)}</p>` : ""}
<button>${button}</button>${session.payment_method_types.includes("sepa_debit") ? sepa(button) : ""}</form>
${session.cancel_url ? `<p><a href="${escapeHtml(session.cancel_url)}">Back</a></p>` : ""}`;
  return { html: page("Checkout", body), status: problem ? 402 : 200 };
}

function closedPage(session: Session): PageReply {
  const back = session.cancel_url ? `<p><a href="${escapeHtml(session.cancel_url)}">Back</a></p>` : "";
  const text = session.status === "complete" ? "You have paid already" : "This checkout has expired";
  return { html: page("Checkout", `<h1>${text}</h1>${back}`), status: 410 };
}

const addressOf = (session: Session, world: World) =>
  `${world.publicUrl}/c/pay/${world.account ?? "platform"}/${session.id}`;

function found({ path }: PageRequest, platform: World): [Session, World] {
  const world = platform.in(path.account === "platform" ? undefined : path.account);
  return [world.get("checkout.session", path.id), world];
}

/** What the shopper typed as a means of payment. @throws Failure 402 */
function methodFrom(form: URLSearchParams, shopper: Shopper, world: World): Stripe.PaymentMethod {
  const email = shopper.email ?? undefined;
  const billing_details = { ...(email && { email }), ...(shopper.name && { name: shopper.name }) };
  const debit = form.get("with") === "sepa_debit";
  if (debit)
    return createMethod({ type: "sepa_debit", sepa_debit: { iban: form.get("iban") ?? "" }, billing_details }, world, {
      browser: true,
    });
  const [month, year] = (form.get("expiry") ?? "").split("/").map((part) => Number(part.trim()));
  const card = {
    number: form.get("number") ?? "",
    exp_month: month ?? 0,
    exp_year: (year ?? 0) + (year && year < 100 ? 2000 : 0),
    cvc: (form.get("cvc") ?? "").trim(),
  };
  return createMethod({ type: "card", card, billing_details }, world, { browser: true });
}

function shopperOf(session: Session, form: URLSearchParams, world: World): Shopper {
  const email = emailOf(session, world) ?? form.get("email");
  if (!email?.includes("@")) throw refused("Your email is incomplete.");
  return { email, name: form.get("name") || null };
}

/** On to the bank, or back to the shop. */
function next({ session, authenticate }: Outcome, world: World): PageReply {
  const back = encodeURIComponent(`${addressOf(session, world)}/return`);
  if (authenticate) {
    const intent = authenticate.startsWith("seti_")
      ? world.get("setup_intent", authenticate)
      : world.get("payment_intent", authenticate);
    return { redirect: `${pageOfAuthentication(intent, world)}&back=${back}` };
  }
  return { redirect: (session.success_url ?? "").replaceAll("{CHECKOUT_SESSION_ID}", session.id) };
}

function takePayment(modes: Modes, session: Session, method: Stripe.PaymentMethod, shopper: Shopper, world: World) {
  const mode = modes[session.mode];
  return mode
    ? follow(mode, session, method, shopper, world)
    : pay(session, method, shopper, `${addressOf(session, world)}/return`, world);
}

function submit(modes: Modes, request: PageRequest, platform: World): PageReply {
  const [session, world] = found(request, platform);
  if (session.status !== "open") return closedPage(session);
  try {
    const shopper = shopperOf(session, request.form, world);
    const method = methodFrom(request.form, shopper, world);
    const desk = world.get("stand_in.checkout", session.id);
    const { email, name } = shopper;
    world.change(desk, { method: method.id, ...(email && { email }), ...(name && { name }) });
    return next(takePayment(modes, session, method, shopper, world), world);
  } catch (error) {
    if (error instanceof Failure) return formPage(session, world, error.message, request.form);
    throw error;
  }
}

/** The bank sends the shopper here, whatever the answer was. */
function comeBack(modes: Modes, request: PageRequest, platform: World): PageReply {
  const [session, world] = found(request, platform);
  if (session.status !== "open") return session.status === "complete" ? next({ session }, world) : closedPage(session);
  const { method = "", email = null, name = null } = world.get("stand_in.checkout", session.id);
  try {
    const mode = modes[session.mode];
    const outcome = mode
      ? follow(mode, session, world.get("payment_method", method), { email, name }, world)
      : resume(session, { email, name }, world);
    return next(outcome, world);
  } catch (error) {
    if (error instanceof Failure) return formPage(session, world, error.message);
    throw error;
  }
}

export const checkoutPages = (modes: Modes): readonly Page[] => [
  {
    method: "GET",
    path: "/c/pay/:account/:id",
    run(request, platform) {
      const [session, world] = found(request, platform);
      return session.status === "open" ? formPage(session, world) : closedPage(session);
    },
  },
  { method: "POST", path: "/c/pay/:account/:id", run: (request, platform) => submit(modes, request, platform) },
  { method: "GET", path: "/c/pay/:account/:id/return", run: (request, platform) => comeBack(modes, request, platform) },
];
