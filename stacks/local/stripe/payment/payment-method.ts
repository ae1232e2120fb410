import type Stripe from "stripe";
import { z } from "zod";
import type { Store } from "../engine/engine.js";
import { missing, refused } from "../engine/failure.js";
import { integer, metadata, oneOf, text } from "../engine/shape.js";
import { type Behaviour, behaviourOf, byTestToken, cardOf, debitOf, fingerprintOf } from "./card.js";
import { declined, declineOf } from "./decline.js";

export const address = z.strictObject({
  city: z.string().optional(),
  country: z.string().optional(),
  line1: z.string().optional(),
  line2: z.string().optional(),
  postal_code: z.string().optional(),
  state: z.string().optional(),
});
const billing = z.strictObject({
  address: address.optional(),
  email: z.string().optional(),
  name: z.string().optional(),
  phone: z.string().optional(),
  tax_id: z.string().optional(),
});
const card = z.strictObject({
  number: text.optional(),
  exp_month: integer.optional(),
  exp_year: integer.optional(),
  cvc: z.string().optional(),
  token: text.optional(),
});
const bank = z.strictObject({
  account_number: text,
  routing_number: text,
  account_holder_type: oneOf("individual", "company").optional(),
  account_type: oneOf("checking", "savings").optional(),
});
/** The shape of `payment_method_data` and of new PaymentMethods. */
export const methodData = {
  type: oneOf("card", "sepa_debit", "us_bank_account"),
  card: card.optional(),
  sepa_debit: z.strictObject({ iban: text }).optional(),
  us_bank_account: bank.optional(),
  billing_details: billing.optional(),
  metadata: metadata.optional(),
  allow_redisplay: oneOf("always", "limited", "unspecified").optional(),
};
const methodShape = z.strictObject(methodData);
export type MethodData = z.output<typeof methodShape>;
type Card = NonNullable<MethodData["card"]>;

const emptyAddress = { city: null, country: null, line1: null, line2: null, postal_code: null, state: null };

function billingDetails(details: MethodData["billing_details"] = {}): Stripe.PaymentMethod.BillingDetails {
  const { address, email, name, phone, tax_id } = details;
  return {
    address: { ...emptyAddress, ...address },
    email: email || null,
    name: name || null,
    phone: phone || null,
    tax_id: tax_id || null,
  };
}

function cardFields(behaviour: Behaviour, { exp_month, exp_year, cvc }: Card, now: number): Stripe.PaymentMethod.Card {
  const year = new Date(now * 1000).getUTCFullYear();
  return {
    brand: behaviour.brand,
    checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: cvc ? "unchecked" : null },
    country: behaviour.country ?? "US",
    display_brand: behaviour.brand,
    exp_month: exp_month ?? 12,
    exp_year: exp_year ?? year + 2,
    fingerprint: fingerprintOf(behaviour.number),
    funding: behaviour.funding ?? "credit",
    generated_from: null,
    last4: behaviour.number.slice(-4),
    networks: { available: [behaviour.brand], preferred: null },
    regulated_status: "unregulated",
    three_d_secure_usage: { supported: true },
    wallet: null,
  };
}

const bankFields = (number: string, data: MethodData["us_bank_account"]): Stripe.PaymentMethod.UsBankAccount => ({
  account_holder_type: data?.account_holder_type ?? "individual",
  account_type: data?.account_type ?? "checking",
  bank_name: "STRIPE TEST BANK",
  financial_connections_account: null,
  fingerprint: fingerprintOf(number),
  last4: number.slice(-4),
  networks: { preferred: "ach", supported: ["ach"] },
  routing_number: data?.routing_number ?? "110000000",
  status_details: {},
});

const sepaFields = (iban: string): Stripe.PaymentMethod.SepaDebit => ({
  bank_code: iban.slice(4, 12),
  branch_code: null,
  country: iban.slice(0, 2),
  fingerprint: fingerprintOf(iban),
  generated_from: { charge: null, setup_attempt: null },
  last4: iban.slice(-4),
});

/** @throws Failure 402 for an invalid expiry or CVC */
function checkCard({ exp_month = 0, exp_year = 0, cvc }: Card, brand: string, now: number) {
  const [month, year] = [new Date(now * 1000).getUTCMonth() + 1, new Date(now * 1000).getUTCFullYear()];
  const fullYear = exp_year < 100 ? exp_year + 2000 : exp_year;
  const bad = (code: string, param: string, message: string) => declined({ code, message }, { param });
  if (exp_month < 1 || exp_month > 12)
    throw bad("invalid_expiry_month", "exp_month", "Your card's expiration month is invalid.");
  if (fullYear < year || fullYear > year + 50 || (fullYear === year && exp_month < month))
    throw bad("invalid_expiry_year", "exp_year", "Your card's expiration year is invalid.");
  if (cvc !== undefined && !(brand === "amex" ? /^\d{3,4}$/ : /^\d{3}$/).test(cvc))
    throw bad("invalid_cvc", "cvc", "Your card's security code is invalid.");
}

/** Card numbers come from browsers only: Stripe refuses them from servers by default. */
const unsafe = () =>
  refused(
    "Sending credit card numbers directly to the Stripe API is generally unsafe. To continue processing use Stripe.js, the Stripe mobile bindings, or Stripe Elements.",
    { status: 402 },
  );

function behaviourFor({ type, card, sepa_debit, us_bank_account }: MethodData, browser: boolean, now: number) {
  const absent = refused(`Missing required param: ${type}.`, { code: "parameter_missing", param: type });
  if (type !== "card") {
    const number = sepa_debit?.iban ?? us_bank_account?.account_number;
    if (!number) throw absent;
    return debitOf(number) ?? { brand: type, number: number.replace(/\s/g, ""), delay: 60 };
  }
  const found = card?.token && byTestToken(card.token);
  if (found) return found;
  if (card?.token) throw refused(`No such token: '${card.token}'`, { code: "resource_missing", param: "card[token]" });
  if (!card?.number) throw absent;
  if (!browser) throw unsafe();
  const behaviour = cardOf(card.number);
  checkCard(card, behaviour.brand, now);
  return behaviour;
}

function fieldsOf(behaviour: Behaviour, data: Partial<MethodData>, now: number): Partial<Stripe.PaymentMethod> {
  if (behaviour.brand === "sepa_debit") return { type: "sepa_debit", sepa_debit: sepaFields(behaviour.number) };
  if (behaviour.brand === "us_bank_account")
    return { type: "us_bank_account", us_bank_account: bankFields(behaviour.number, data.us_bank_account) };
  return { type: "card", card: cardFields(behaviour, data.card ?? {}, now) };
}

function put(behaviour: Behaviour, data: Partial<MethodData>, store: Store): Stripe.PaymentMethod {
  const base = {
    id: store.id("pm"),
    object: "payment_method" as const,
    allow_redisplay: data.allow_redisplay ?? ("unspecified" as const),
    billing_details: billingDetails(data.billing_details),
    created: store.now,
    customer: null,
    customer_account: null,
    livemode: store.livemode,
    metadata: data.metadata ?? {},
    type: "card" as const,
  };
  return store.put({ ...base, ...fieldsOf(behaviour, data, store.now) });
}

/** A new payment method; `browser` allows card numbers. @throws Failure */
export const createMethod = (data: MethodData, store: Store, { browser }: { browser: boolean }) =>
  put(behaviourFor(data, browser, store.now), data, store);

/** The payment method of a parameter; a test token makes a new one each time. @throws Failure resource_missing */
export function methodOf(id: string, store: Store, param = "payment_method"): Stripe.PaymentMethod {
  const behaviour = id.startsWith("pm_") && !store.livemode && byTestToken(id);
  return behaviour ? put(behaviour, {}, store) : store.get("payment_method", id, param);
}

export const behaviour = (method: Stripe.PaymentMethod): Behaviour =>
  behaviourOf(method.card?.fingerprint ?? method.sepa_debit?.fingerprint ?? method.us_bank_account?.fingerprint);

/** @throws Failure resource_missing for an absent or deleted customer */
export function checkCustomer(id: string, store: Store, param = "customer") {
  if (store.get("customer", id, param).deleted) throw missing("customer", id, param);
}

/** The test card that attaches and is declined when charged. */
export const failsLater = "4000000000000341";

/**
 * Keeps a means of payment with a customer.
 * @throws Failure 402 when the bank already refuses that, as test cards do other than the one for failing later
 */
export function attach(method: Stripe.PaymentMethod, customer: string, store: Store): Stripe.PaymentMethod {
  checkCustomer(customer, store);
  if (method.customer === customer) return method;
  if (method.customer)
    throw refused("The payment method you provided has already been attached to a customer.", {
      code: "resource_already_exists",
    });
  const { decline, number } = behaviour(method);
  if (decline && number !== failsLater) throw declined(declineOf(decline), {});
  return store.change(method, { customer }, "payment_method.attached");
}
