import type Stripe from "stripe";
import { checkAmount } from "../engine/amount.js";
import type { Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { randomText } from "../engine/id.js";
import type * as shape from "./checkout-shape.js";
import { checkAbleToCharge, typesFor } from "./intent.js";
import { checkCustomer } from "./payment-method.js";

type Session = Stripe.Checkout.Session;

const day = 86_400;

function expiryOf({ expires_at }: shape.Create, now: number) {
  if (expires_at === undefined) return now + day;
  if (expires_at < now + 1800 - 5 || expires_at > now + day + 5)
    throw refused(
      "The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from Checkout Session creation.",
      { param: "expires_at" },
    );
  return expires_at;
}

function checkFee({ mode, payment_intent_data: data }: shape.Create, total: number, store: Store) {
  if (data && mode !== "payment")
    throw refused(`You can not pass \`payment_intent_data\` in \`${mode}\` mode.`, { param: "payment_intent_data" });
  const fee = data?.application_fee_amount;
  if (fee === undefined) return;
  const param = "payment_intent_data[application_fee_amount]";
  if (!store.account)
    throw refused(
      "Can only apply an application_fee_amount when the Session is attempting a direct payment (using an OAuth key or Stripe-Account header) or destination payment.",
      { param },
    );
  if (fee > total) throw refused("The application fee cannot be greater than the amount of the payment.", { param });
}

function checkSession(params: shape.Create, lines: readonly Stripe.LineItem[], total: number, store: Store) {
  const { mode, success_url, customer, customer_email } = params;
  if (!success_url)
    throw refused("Missing required param: success_url.", { code: "parameter_missing", param: "success_url" });
  if (customer && customer_email)
    throw refused("You may only specify one of these parameters: customer, customer_email.");
  if (customer) checkCustomer(customer, store);
  if (params.subscription_data && mode !== "subscription")
    throw refused(`You can not pass \`subscription_data\` in \`${mode}\` mode.`, { param: "subscription_data" });
  const [first] = lines;
  if (mode === "payment" && first) checkAmount(total, first.currency, "line_items");
  checkFee(params, total, store);
  checkAbleToCharge(store);
}

/** Payment method types of a session, requested or the account's own; debits cannot be captured manually. */
function methodTypes(
  { payment_method_types, payment_intent_data, mode }: shape.Create,
  currency: string,
  store: Store,
) {
  const manual = mode === "payment" && payment_intent_data?.capture_method === "manual";
  const available = typesFor(currency, manual, store);
  const types = payment_method_types ?? available.filter((type) => type !== "us_bank_account");
  if (types.some((type) => !available.includes(type)))
    throw refused("The payment method type provided is invalid for this session.", { param: "payment_method_types" });
  return types;
}

const blank = {
  adaptive_pricing: { enabled: false },
  after_expiration: null,
  allowed_payment_method_types: null,
  client_secret: null,
  collected_information: null,
  consent: null,
  consent_collection: null,
  currency_conversion: null,
  custom_fields: [],
  custom_text: { after_submit: null, shipping_address: null, submit: null, terms_of_service_acceptance: null },
  customer_account: null,
  integration_identifier: null,
  invoice: null,
  invoice_creation: null,
  managed_payments: null,
  origin_context: null,
  payment_intent: null,
  payment_link: null,
  payment_method_configuration_details: null,
  permissions: null,
  recovered_from: null,
  saved_payment_method_options: null,
  setup_intent: null,
  shipping_address_collection: null,
  shipping_cost: null,
  shipping_options: [],
  subscription: null,
  wallet_options: null,
} satisfies Partial<Session>;

function customerFields({ mode, customer, customer_email, customer_creation }: shape.Create): Partial<Session> {
  const creation = mode === "payment" ? (customer ? null : (customer_creation ?? "if_required")) : null;
  const details = customer_email && {
    address: null,
    business_name: null,
    email: customer_email,
    individual_name: null,
    name: null,
    phone: null,
    tax_exempt: "none" as const,
    tax_ids: null,
  };
  return {
    customer: customer ?? null,
    customer_creation: mode === "setup" ? null : creation,
    customer_details: details || null,
    customer_email: customer_email ?? null,
  };
}

/** An open session; the caller stores it. @throws Failure when a parameter does not fit */
export function newSession(params: shape.Create, lines: readonly Stripe.LineItem[], store: Store): Session {
  const total = lines.reduce((sum, line) => sum + line.amount_total, 0);
  checkSession(params, lines, total, store);
  const id = `cs_${store.livemode ? "live" : "test"}_${randomText(58)}`;
  const currency = lines[0]?.currency ?? params.currency ?? null;
  return {
    ...blank,
    id,
    object: "checkout.session",
    allow_promotion_codes: params.allow_promotion_codes ?? null,
    amount_subtotal: lines.length > 0 ? total : null,
    amount_total: lines.length > 0 ? total : null,
    automatic_tax: { enabled: params.automatic_tax?.enabled ?? false, liability: null, provider: null, status: null },
    billing_address_collection: params.billing_address_collection ?? null,
    cancel_url: params.cancel_url ?? null,
    client_reference_id: params.client_reference_id ?? null,
    created: store.now,
    currency,
    ...customerFields(params),
    discounts: params.discounts ? [] : null,
    expires_at: expiryOf(params, store.now),
    livemode: store.livemode,
    locale: (params.locale as Session["locale"]) ?? null,
    metadata: params.metadata ?? {},
    mode: params.mode,
    payment_method_collection:
      params.payment_method_collection ?? (params.mode === "payment" ? "if_required" : "always"),
    payment_method_options: (params.payment_method_options ?? {}) as Session["payment_method_options"],
    payment_method_types: methodTypes(params, currency ?? "eur", store),
    payment_status: total === 0 ? "no_payment_required" : "unpaid",
    phone_number_collection: { enabled: params.phone_number_collection?.enabled ?? false },
    status: "open",
    submit_type: params.submit_type ?? null,
    success_url: params.success_url ?? null,
    total_details: lines.length > 0 ? { amount_discount: 0, amount_shipping: 0, amount_tax: 0 } : null,
    ui_mode: "hosted_page",
    url: `${store.publicUrl}/c/pay/${store.account ?? "platform"}/${id}`,
  } as Session;
}
