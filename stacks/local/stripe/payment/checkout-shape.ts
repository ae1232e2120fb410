import { z } from "zod";
import {
  currency,
  flag,
  integer,
  listing,
  metadata,
  natural,
  oneOf,
  positive,
  text,
  timestamp,
} from "../engine/shape.js";
import { options } from "./intent-shape.js";
import { address } from "./payment-method.js";

const productData = z.strictObject({
  description: text.optional(),
  images: z.array(text).max(8).optional(),
  metadata: metadata.optional(),
  name: text,
  tax_code: text.optional(),
});
const priceData = z.strictObject({
  currency,
  product: text.optional(),
  product_data: productData.optional(),
  recurring: z
    .strictObject({ interval: oneOf("day", "month", "week", "year"), interval_count: positive.optional() })
    .optional(),
  tax_behavior: oneOf("exclusive", "inclusive", "unspecified").optional(),
  unit_amount: natural.optional(),
});
const lineItem = z.strictObject({
  metadata: metadata.optional(),
  price: text.optional(),
  price_data: priceData.optional(),
  quantity: positive.optional(),
});
export type LineItem = z.output<typeof lineItem>;

const paymentIntentData = z.strictObject({
  application_fee_amount: natural.optional(),
  capture_method: oneOf("automatic", "automatic_async", "manual").optional(),
  description: text.optional(),
  metadata: metadata.optional(),
  receipt_email: text.optional(),
  setup_future_usage: oneOf("off_session", "on_session").optional(),
  shipping: z.strictObject({ address, name: text, phone: text.optional() }).optional(),
  statement_descriptor_suffix: text.max(22).optional(),
  transfer_group: text.optional(),
});
const subscriptionData = z.strictObject({
  application_fee_percent: text.optional(),
  billing_cycle_anchor: timestamp.optional(),
  description: text.optional(),
  metadata: metadata.optional(),
  proration_behavior: oneOf("create_prorations", "none").optional(),
  trial_end: timestamp.optional(),
  trial_period_days: positive.optional(),
  trial_settings: z
    .strictObject({
      end_behavior: z.strictObject({ missing_payment_method: oneOf("cancel", "create_invoice", "pause") }),
    })
    .optional(),
});
const type = oneOf("card", "sepa_debit", "us_bank_account");
const enabled = z.strictObject({ enabled: flag });

export const create = z.strictObject({
  allow_promotion_codes: flag.optional(),
  automatic_tax: enabled.optional(),
  billing_address_collection: oneOf("auto", "required").optional(),
  cancel_url: text.optional(),
  client_reference_id: text.max(200, "`client_reference_id` can have up to 200 characters.").optional(),
  currency: currency.optional(),
  customer: text.optional(),
  customer_creation: oneOf("always", "if_required").optional(),
  customer_email: text.optional(),
  customer_update: z
    .strictObject({ address: oneOf("auto", "never").optional(), name: oneOf("auto", "never").optional() })
    .optional(),
  discounts: z
    .array(z.strictObject({ coupon: text.optional() }))
    .max(1)
    .optional(),
  expires_at: timestamp.optional(),
  line_items: z.array(lineItem).max(100, "You can have up to 100 line items.").optional(),
  locale: text.optional(),
  metadata: metadata.optional(),
  mode: oneOf("payment", "setup", "subscription"),
  payment_intent_data: paymentIntentData.optional(),
  payment_method_collection: oneOf("always", "if_required").optional(),
  payment_method_options: options.optional(),
  payment_method_types: z.array(type).min(1).optional(),
  phone_number_collection: enabled.optional(),
  setup_intent_data: z.strictObject({ description: text.optional(), metadata: metadata.optional() }).optional(),
  submit_type: oneOf("auto", "book", "donate", "pay", "subscribe").optional(),
  subscription_data: subscriptionData.optional(),
  success_url: text.optional(),
  tax_id_collection: enabled.optional(),
  ui_mode: oneOf("hosted_page").optional(),
});
export type Create = z.output<typeof create>;

export const update = z.strictObject({ metadata: metadata.optional() });
export const list = z.strictObject({
  ...listing,
  customer: text.optional(),
  customer_details: z.strictObject({ email: text }).optional(),
  payment_intent: text.optional(),
  status: oneOf("complete", "expired", "open").optional(),
  subscription: text.optional(),
});
export const lineItemList = z.strictObject({
  limit: integer.optional(),
  starting_after: text.optional(),
  ending_before: text.optional(),
});
