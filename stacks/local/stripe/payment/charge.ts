import type Stripe from "stripe";
import { z } from "zod";
import { type Module, route, type Store } from "../engine/engine.js";
import { listing, merge, metadata, nothing, text } from "../engine/shape.js";
import { application, move, stripeFee } from "./balance.js";
import type { Decline } from "./decline.js";

type Outcome = Stripe.Charge.Outcome;
const approved: Outcome = {
  advice_code: null,
  network_advice_code: null,
  network_decline_code: null,
  network_status: "approved_by_network",
  reason: null,
  risk_level: "normal",
  risk_score: 20,
  seller_message: "Payment complete.",
  type: "authorized",
};
const refusedBy = ({ code, decline_code }: Decline): Outcome => ({
  ...approved,
  advice_code: "try_again_later",
  network_status: "declined_by_network",
  reason: decline_code ?? code,
  seller_message: "The bank did not return any further details with this decline.",
  type: "issuer_declined",
});

const week = 7 * 86_400;
/** Card brands that allow multicapture. @see https://docs.stripe.com/payments/multicapture */
const multicapture = new Set(["visa", "mastercard", "amex", "discover"]);

export interface ChargeOptions {
  readonly manual: boolean;
  /** The shopper has authenticated. */
  readonly authenticated?: boolean | undefined;
  /** `payment_method_options[card][request_multicapture]`. */
  readonly multicapture?: boolean;
}

const threeDSecure = {
  authentication_flow: "challenge",
  electronic_commerce_indicator: "05",
  exemption_indicator: null,
  result: "authenticated",
  result_reason: null,
  transaction_id: "a48b9a39-2ef9-4b0b-9ad1-1c2f2e8f0a55",
  version: "2.2.0",
};

function cardDetails(card: Stripe.PaymentMethod.Card, amount: number, options: ChargeOptions, store: Store) {
  const { brand, checks, country, exp_month, exp_year, fingerprint, funding, last4, regulated_status, wallet } = card;
  const several = options.manual && options.multicapture && multicapture.has(brand);
  return {
    amount_authorized: amount,
    authorization_code: String(100_000 + (amount % 900_000)),
    brand,
    ...(options.manual && { capture_before: store.now + week }),
    checks: checks && { ...checks, cvc_check: checks.cvc_check && "pass" },
    country,
    exp_month,
    exp_year,
    extended_authorization: { status: "disabled" },
    fingerprint: fingerprint ?? null,
    funding,
    incremental_authorization: { status: "unavailable" },
    installments: null,
    last4,
    mandate: null,
    multicapture: { status: several ? "available" : "unavailable" },
    network: brand,
    network_token: { used: false },
    network_transaction_id: "104557651805572",
    overcapture: { maximum_amount_capturable: amount, status: "unavailable" },
    regulated_status,
    three_d_secure: options.authenticated ? threeDSecure : null,
    transaction_link_id: null,
    wallet,
  };
}

function detailsOf(method: Stripe.PaymentMethod, amount: number, options: ChargeOptions, store: Store) {
  const { type, card, us_bank_account: bank, sepa_debit: sepa } = method;
  const { networks: _, status_details: __, financial_connections_account: ___, ...us } = bank ?? {};
  const { generated_from: ____, ...eu } = sepa ?? {};
  const details = card
    ? { card: cardDetails(card, amount, options, store) }
    : bank
      ? { us_bank_account: { ...us, payment_reference: "091000022004911" } }
      : { sepa_debit: { ...eu, mandate: null } };
  return { ...details, type } as unknown as Stripe.Charge.PaymentMethodDetails;
}

/** Fields that all new charges have in common. */
const blank = {
  amount_captured: 0,
  amount_refunded: 0,
  application_fee: null,
  balance_transaction: null,
  calculated_statement_descriptor: "STOA",
  disputed: false,
  failure_balance_transaction: null,
  failure_code: null,
  failure_message: null,
  fraud_details: {},
  on_behalf_of: null,
  outcome: approved,
  paid: true,
  presentment_details: undefined,
  radar_options: {},
  receipt_number: null,
  receipt_url: null,
  refunded: false,
  review: null,
  source: null,
  source_transfer: null,
  status: "succeeded",
  transfer_data: null,
} satisfies Partial<Stripe.Charge>;

/** A charge with the bank's answer; the caller stores it. */
export function newCharge(
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  options: ChargeOptions,
  store: Store,
): Stripe.Charge {
  return {
    id: store.id(method.card ? "ch" : "py"),
    object: "charge",
    ...blank,
    amount: intent.amount,
    application: store.account ? application : null,
    application_fee_amount: intent.application_fee_amount,
    billing_details: method.billing_details,
    captured: !options.manual,
    created: store.now,
    currency: intent.currency,
    customer: intent.customer,
    description: intent.description,
    livemode: store.livemode,
    metadata: intent.metadata,
    payment_intent: intent.id,
    payment_method: method.id,
    payment_method_details: detailsOf(method, intent.amount, options, store),
    receipt_email: intent.receipt_email,
    shipping: intent.shipping as Stripe.Charge.Shipping | null,
    statement_descriptor: intent.statement_descriptor,
    statement_descriptor_suffix: intent.statement_descriptor_suffix,
    transfer_group: intent.transfer_group,
  } as Stripe.Charge;
}

/** The fields of a declined charge. */
export const failedCharge = (charge: Stripe.Charge, decline: Decline): Stripe.Charge => ({
  ...charge,
  captured: false,
  paid: false,
  status: "failed",
  failure_code: decline.code,
  failure_message: decline.message,
  outcome: refusedBy(decline),
});

function takeFee(charge: Stripe.Charge, amount: number, store: Store): string {
  const platform = store.in(undefined);
  const id = store.id("fee");
  const { currency } = charge;
  const movement = move(
    { type: "application_fee", category: "platform_earning", amount, currency, source: id },
    platform,
  );
  const fee: Stripe.ApplicationFee = {
    id,
    object: "application_fee",
    account: store.account ?? "",
    amount,
    amount_refunded: 0,
    application,
    balance_transaction: movement.id,
    charge: charge.id,
    created: store.now,
    currency,
    fee_source: { charge: charge.id, type: "charge" },
    livemode: store.livemode,
    originating_transaction: null,
    refunded: false,
    refunds: { object: "list", data: [], has_more: false, url: `/v1/application_fees/${id}/refunds` },
  };
  return platform.put(fee, "application_fee.created").id;
}

/**
 * Books captured money: the balance transaction with Stripe's fee, and the platform's fee.
 * Answers the charge's new fields.
 */
export function book(charge: Stripe.Charge, amount: number, fee: number | null, store: Store) {
  const applicationFee = fee ? takeFee(charge, fee, store) : null;
  const fees = [
    { type: "stripe_fee", amount: stripeFee(amount) },
    { type: "application_fee", amount: fee ?? 0 },
  ];
  const { id: source, currency, description } = charge;
  const type = charge.payment_method_details?.card ? "charge" : "payment";
  const movement = move({ type, category: "charge", amount, currency, source, fees, description }, store);
  return { balance_transaction: movement.id, ...(applicationFee && { application_fee: applicationFee }) };
}

export const charges: Module = {
  kinds: [
    {
      type: "charge",
      prefix: ["ch", "py"],
      index: ["payment_intent", "customer", "payment_method"],
      include: { refunds: ({ id }: Stripe.Charge, store) => store.page("refund", { limit: 10 }, { charge: id }) },
    },
  ],
  routes: [
    route("GET", "/v1/charges/:id", nothing, ({ path }, store) => store.get("charge", path.id)),
    route(
      "POST",
      "/v1/charges/:id",
      z.strictObject({ metadata: metadata.optional(), description: z.string().optional() }),
      ({ path, params: { description, ...params } }, store) => {
        const charge = store.get("charge", path.id);
        const patch = {
          metadata: merge(charge.metadata, params.metadata),
          ...(description !== undefined && { description }),
        };
        return store.change(charge, patch, "charge.updated");
      },
    ),
    route(
      "GET",
      "/v1/charges",
      z.strictObject({ ...listing, customer: text.optional(), payment_intent: text.optional() }),
      ({ params: { customer, payment_intent, ...params } }, store) =>
        store.page("charge", params, { payment_intent, customer }),
    ),
  ],
};
