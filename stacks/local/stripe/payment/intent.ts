import type Stripe from "stripe";
import type { Store } from "../engine/engine.js";
import { refused } from "../engine/failure.js";
import { randomText } from "../engine/id.js";
import { application } from "./balance.js";

type Intent = Stripe.PaymentIntent;

/** Bank debits by currency, for accounts with the capability. */
const debitOf: Record<string, string> = { eur: "sepa_debit", usd: "us_bank_account" };
const capabilityOf: Record<string, keyof Stripe.Account.Capabilities> = {
  card: "card_payments",
  sepa_debit: "sepa_debit_payments",
  us_bank_account: "us_bank_account_ach_payments",
};

const accountOf = (store: Store) => store.in(undefined).find("account", store.account);

/** Payment method types of an account in a currency; debits cannot be captured manually. */
export function typesFor(currency: string, manual: boolean, store: Store): string[] {
  const capabilities = accountOf(store)?.capabilities;
  const types = ["card", ...(manual ? [] : [debitOf[currency] ?? []].flat())];
  return types.filter((type) => !store.account || capabilities?.[capabilityOf[type] ?? "card_payments"] === "active");
}

/** @throws Failure for a connected account without enabled charges */
export function checkAbleToCharge(store: Store) {
  if (store.account && !accountOf(store)?.charges_enabled)
    throw refused(
      "Your account cannot currently make charges. To finish onboarding, complete the requirements of the account.",
    );
}

export type NewIntent = Pick<Intent, "amount" | "currency"> & Partial<Intent>;

/** A new PaymentIntent with the given fields; the caller stores it. */
export function newIntent(fields: NewIntent, store: Store): Intent {
  const id = store.id("pi");
  return {
    id,
    object: "payment_intent",
    allowed_payment_method_types: null,
    amount_capturable: 0,
    amount_details: { tip: {} },
    amount_received: 0,
    application: store.account ? application : null,
    application_fee_amount: null,
    automatic_payment_methods: null,
    canceled_at: null,
    cancellation_reason: null,
    capture_method: "automatic_async",
    client_secret: `${id}_secret_${randomText(25)}`,
    confirmation_method: "automatic",
    created: store.now,
    customer: null,
    customer_account: null,
    description: null,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: store.livemode,
    managed_payments: null,
    metadata: {},
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: typesFor(fields.currency, fields.capture_method === "manual", store),
    payment_record: null,
    processing: null,
    receipt_email: null,
    review: null,
    setup_future_usage: null,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: fields.payment_method ? "requires_confirmation" : "requires_payment_method",
    transfer_data: null,
    transfer_group: null,
    ...fields,
  };
}
