import { z } from "zod";
import { currency, emptyable, flag, integer, listing, metadata, natural, oneOf, text } from "../engine/shape.js";
import { address, methodData } from "./payment-method.js";

const shipping = z.strictObject({
  address,
  name: text,
  phone: z.string().optional(),
  carrier: z.string().optional(),
  tracking_number: z.string().optional(),
});
const type = oneOf("card", "sepa_debit", "us_bank_account");
const usage = oneOf("off_session", "on_session");
const cardOptions = z.strictObject({
  capture_method: emptyable(oneOf("manual")).optional(),
  request_multicapture: oneOf("if_available", "never").optional(),
  request_three_d_secure: oneOf("any", "automatic", "challenge").optional(),
  setup_future_usage: emptyable(oneOf("none", "off_session", "on_session")).optional(),
});
const debitOptions = z.strictObject({
  setup_future_usage: emptyable(oneOf("none", "off_session", "on_session")).optional(),
});
/** Options of payment method types that the stand-in lacks: accepted without effect. */
const held = z.strictObject({ capture_method: emptyable(oneOf("manual")).optional() }).optional();
export const options = z.strictObject({
  affirm: held,
  afterpay_clearpay: held,
  amazon_pay: held,
  card: cardOptions.optional(),
  cashapp: held,
  klarna: held,
  link: held,
  mobilepay: held,
  paypal: held,
  revolut_pay: held,
  sepa_debit: debitOptions.optional(),
  us_bank_account: debitOptions.optional(),
});

/** The mandate that debits require. */
const mandateData = z.strictObject({
  customer_acceptance: z.strictObject({
    type: oneOf("online", "offline"),
    accepted_at: natural.optional(),
    online: z.strictObject({ ip_address: text.optional(), user_agent: text.optional() }).optional(),
    offline: z.strictObject({}).optional(),
  }),
});

/** Parameters that a PaymentIntent takes until it is paid. */
const details = {
  application_fee_amount: emptyable(natural).optional(),
  capture_method: oneOf("automatic", "automatic_async", "manual").optional(),
  customer: text.optional(),
  description: z.string().optional(),
  metadata: metadata.optional(),
  payment_method: text.optional(),
  payment_method_data: z.strictObject(methodData).optional(),
  payment_method_options: options.optional(),
  payment_method_types: z.array(type).optional(),
  receipt_email: emptyable(text).optional(),
  setup_future_usage: emptyable(usage).optional(),
  shipping: emptyable(shipping).optional(),
  statement_descriptor_suffix: z.string().max(22, "The statement descriptor must be at most 22 characters.").optional(),
  transfer_group: text.optional(),
};
/** Parameters of a confirmation. */
const confirmation = {
  error_on_requires_action: flag.optional(),
  mandate_data: mandateData.optional(),
  off_session: flag.optional(),
  return_url: z.url({ error: "Not a valid URL" }).optional(),
  use_stripe_sdk: flag.optional(),
};

export const create = z.strictObject({
  amount: integer,
  currency,
  ...details,
  ...confirmation,
  automatic_payment_methods: z
    .strictObject({ enabled: flag, allow_redirects: oneOf("always", "never").optional() })
    .optional(),
  confirm: flag.optional(),
  confirmation_method: oneOf("automatic", "manual").optional(),
});
export type Create = z.output<typeof create>;

export const update = z.strictObject({ amount: integer.optional(), currency: currency.optional(), ...details });
export type Update = z.output<typeof update>;

export const confirm = z.strictObject({
  ...confirmation,
  client_secret: text.optional(),
  capture_method: details.capture_method,
  payment_method: details.payment_method,
  payment_method_data: details.payment_method_data,
  payment_method_options: details.payment_method_options,
  receipt_email: details.receipt_email,
  setup_future_usage: details.setup_future_usage,
  shipping: details.shipping,
});
export type Confirm = z.output<typeof confirm>;

export const capture = z.strictObject({
  amount_to_capture: integer.optional(),
  application_fee_amount: natural.optional(),
  final_capture: flag.optional(),
  metadata: metadata.optional(),
  statement_descriptor_suffix: details.statement_descriptor_suffix,
});
export type Capture = z.output<typeof capture>;

export const cancel = z.strictObject({
  cancellation_reason: oneOf("abandoned", "duplicate", "fraudulent", "requested_by_customer").optional(),
});
export const list = z.strictObject({ ...listing, customer: text.optional() });
export const retrieve = z.strictObject({ client_secret: text.optional() });
