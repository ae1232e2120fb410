import type Stripe from "stripe";
import { payTakenInvoices } from "../billing/invoice-collection.js";
import { dateText } from "../billing/period.js";
import { priceText } from "../billing/price.js";
import { productName } from "../billing/subscription-bill.js";
import { firstEnd, fresh, lastEnd } from "../billing/subscription-shape.js";
import { moneyText } from "../engine/amount.js";
import type { Page, PageReply, PageRequest, Store } from "../engine/engine.js";
import { alert, cardFields, cardText, goneReply, problemOf } from "./card-form.js";
import { escapeHtml, page } from "./markup.js";
import { portalActs } from "./portal-action.js";

type Session = Stripe.BillingPortal.Session;
type Features = Stripe.BillingPortal.Configuration["features"];
type Subscription = Stripe.Subscription;

const button = (act: string, text: string, fields: Record<string, string> = {}) => {
  const hidden = Object.entries(fields).map(
    ([name, value]) => `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`,
  );
  return `<form method="post">${hidden.join("")}<button class="second" name="act" value="${act}">${escapeHtml(text)}</button></form>`;
};

function stateOf(subscription: Subscription) {
  const { status, cancel_at, trial_end } = subscription;
  if (cancel_at !== null) return `ends on ${dateText(cancel_at)}`;
  if (status === "trialing" && trial_end !== null) return `trial until ${dateText(trial_end)}`;
  return `${status.replace("_", " ")}, renews on ${dateText(firstEnd(subscription))}`;
}

/** The question before a cancellation, as Stripe's portal asks it. */
function askCancel(session: Session, form: URLSearchParams, store: Store): PageReply {
  const id = form.get("subscription") ?? session.flow?.subscription_cancel?.subscription ?? "";
  const subscription = store.find("subscription", id);
  if (subscription?.customer !== session.customer || subscription.ended_at !== null)
    return home(session, store, "There is no such plan.");
  const { features } = store.get("billing_portal.configuration", String(session.configuration));
  const immediately = features.subscription_cancel.mode === "immediately";
  const when = immediately ? "at once" : `on ${dateText(lastEnd(subscription))}`;
  const body = `<h1>Cancel the plan?</h1><p>It ends ${escapeHtml(when)}. Until then it can be used, and the cancellation taken back.</p>
${button("cancel", "Yes, cancel the plan", { subscription: id, confirmed: "yes" })}
<p><a href="${escapeHtml(session.url)}">Keep the plan</a></p>`;
  return { html: page("Cancel the plan", body) };
}

/** Other prices that the portal offers for the first item. */
function choices(store: Store, subscription: Subscription, { subscription_update: { enabled, products } }: Features) {
  const [item] = subscription.items.data;
  if (!enabled || !item || subscription.cancel_at !== null) return "";
  return (products ?? [])
    .flatMap(({ prices }) => prices.flatMap((id) => store.find("price", id) ?? []))
    .filter((price) => price.active && price.id !== item.price.id)
    .map((price) => {
      const fields = { subscription: subscription.id, item: item.id, price: price.id };
      return button("update", `Switch to ${productName(store, price)}, ${priceText(price)}`, fields);
    })
    .join("");
}

function planOf(store: Store, given: Subscription, features: Features, flow: string | undefined) {
  const subscription = fresh(store, given);
  const fields = { subscription: subscription.id };
  const rows = subscription.items.data.map(
    ({ price, quantity }) =>
      `<tr><td>${escapeHtml(productName(store, price))} × ${quantity}</td><td>${escapeHtml(priceText(price))}</td></tr>`,
  );
  const { subscription_cancel: cancel } = features;
  const ending = subscription.cancel_at !== null;
  const end = ending ? button("resume", "Do not cancel", fields) : button("cancel", "Cancel plan", fields);
  return `<h2>Plan</h2><table>${rows.join("")}</table><p class="quiet" data-status="${subscription.status}">${escapeHtml(stateOf(subscription))}</p>
${flow && flow !== "subscription_update" ? "" : choices(store, subscription, features)}
${cancel.enabled && (!flow || flow === "subscription_cancel") ? end : ""}`;
}

function cardPart(store: Store, customer: Stripe.Customer, subscriptions: readonly Subscription[]) {
  const usual = customer.invoice_settings.default_payment_method;
  const own = subscriptions.find(({ default_payment_method }) => default_payment_method)?.default_payment_method;
  const method = store.find("payment_method", String(own ?? usual));
  return `<h2>Payment method</h2><p>${method ? escapeHtml(cardText(method)) : "None"}</p>
<form method="post">${cardFields()}<button name="act" value="card">Save card</button></form>`;
}

function invoicePart(store: Store, customer: string) {
  const invoices = store.by("invoice", "customer", customer).filter(({ status }) => status !== "draft");
  const rows = invoices.toReversed().map((invoice) => {
    const { id, number, status, amount_due, currency, created, hosted_invoice_url } = invoice;
    const link = `<a href="${escapeHtml(hosted_invoice_url ?? "")}">${escapeHtml(number ?? id)}</a>`;
    const pay = status === "open" ? button("pay", "Pay", { invoice: id }) : "";
    return `<tr><td>${link} ${dateText(created)}</td><td>${moneyText(amount_due, currency)} ${escapeHtml(status ?? "")}${pay}</td></tr>`;
  });
  return `<h2>Invoices</h2><table>${rows.join("")}</table>`;
}

/** Subscriptions of a customer that have not ended. */
const liveOf = (store: Store, customer: string) =>
  store.by("subscription", "customer", customer).filter(({ ended_at }) => ended_at === null);

function home(session: Session, store: Store, problem?: string): PageReply {
  payTakenInvoices(store, session.customer);
  const customer = store.get("customer", session.customer);
  if (customer.deleted) return goneReply("This customer is gone");
  const { features } = store.get("billing_portal.configuration", String(session.configuration));
  const flow = session.flow?.type;
  const subscriptions = liveOf(store, customer.id);
  const shows = (feature: string, enabled: boolean) => enabled && (!flow || flow === feature);
  const parts = [
    `<h1>Billing</h1><p class="quiet">${escapeHtml(customer.name ?? customer.email ?? customer.id)}</p>${alert(problem)}`,
    ...(flow === "payment_method_update" ? [] : subscriptions.map((one) => planOf(store, one, features, flow))),
    shows("payment_method_update", features.payment_method_update.enabled)
      ? cardPart(store, customer, subscriptions)
      : "",
    shows("", features.invoice_history.enabled) ? invoicePart(store, customer.id) : "",
    flow === "subscription_update_confirm" ? button("confirm", "Confirm") : "",
    `<p><a href="${escapeHtml(session.return_url ?? "")}">Back</a></p>`,
  ];
  return { html: page("Billing", parts.join("\n")), status: problem ? 402 : 200 };
}

const lifetime = 24 * 3600;

function found({ path }: PageRequest, platform: Store): [Session | undefined, Store] {
  const store = platform.in(path.account === "platform" ? undefined : path.account);
  const session = store.find("billing_portal.session", path.id);
  return [session && session.created + lifetime > store.now ? session : undefined, store];
}

function submit(session: Session, request: PageRequest, store: Store): PageReply {
  const name = request.form.get("act") ?? "";
  if (name === "cancel" && request.form.get("confirmed") !== "yes") return askCancel(session, request.form, store);
  const act = portalActs[name];
  if (!act) return home(session, store, "There is nothing to do.");
  try {
    const reply = act(session, request.form, store);
    if (reply) return reply;
    const after = session.flow?.after_completion;
    return { redirect: (after?.type === "redirect" && after.redirect?.return_url) || session.url };
  } catch (error) {
    return home(session, store, problemOf(error));
  }
}

const expired = goneReply("This link has expired");

export const portalPages: readonly Page[] = [
  {
    method: "GET",
    path: "/portal/:account/:id",
    run(request, platform) {
      const [session, store] = found(request, platform);
      return session ? home(session, store) : expired;
    },
  },
  {
    method: "POST",
    path: "/portal/:account/:id",
    run(request, platform) {
      const [session, store] = found(request, platform);
      return session ? submit(session, request, store) : expired;
    },
  },
];
