import type Stripe from "stripe";
import { z } from "zod";
import type { Store } from "../engine/engine.js";
import { randomText } from "../engine/id.js";
import { emptyable, integer, merge, metadata, natural, oneOf, text } from "../engine/shape.js";
import { address } from "../payment/payment-method.js";

const optional = z.string().max(5000).optional();

export const customerParams = z.strictObject({
  address: emptyable(address).optional(),
  balance: integer.optional(),
  description: optional,
  email: z.string().max(512, "Invalid email: must be at most 512 characters.").optional(),
  invoice_prefix: z
    .string()
    .regex(/^[A-Z0-9]{3,12}$/, "Invoice prefixes are 3 to 12 upper-case letters or numbers.")
    .optional(),
  invoice_settings: z.strictObject({ default_payment_method: text.optional(), footer: optional }).optional(),
  metadata: metadata.optional(),
  name: z.string().max(256).optional(),
  next_invoice_sequence: natural.optional(),
  phone: z.string().max(20).optional(),
  preferred_locales: z.array(text).optional(),
  shipping: emptyable(z.strictObject({ address, name: text, phone: optional })).optional(),
  tax_exempt: emptyable(oneOf("none", "exempt", "reverse")).optional(),
});
export type CustomerParams = z.output<typeof customerParams>;

const orNull = (given: string | null | undefined) => given || null;

const addressOf = (given: z.output<typeof address>): Stripe.Address => ({
  city: orNull(given.city),
  country: orNull(given.country),
  line1: orNull(given.line1),
  line2: orNull(given.line2),
  postal_code: orNull(given.postal_code),
  state: orNull(given.state),
});

/** The fields that `params` change; an empty string unsets a field. */
export function patchOf(customer: Stripe.Customer, params: CustomerParams): Partial<Stripe.Customer> {
  const { address, shipping, invoice_settings, tax_exempt } = params;
  const patch: Partial<Stripe.Customer> = { metadata: merge(customer.metadata, params.metadata) };
  if (address !== undefined) patch.address = address && addressOf(address);
  if (shipping !== undefined)
    patch.shipping = shipping && {
      address: addressOf(shipping.address),
      name: shipping.name,
      phone: orNull(shipping.phone),
    };
  for (const field of ["description", "email", "name", "phone"] as const)
    if (params[field] !== undefined) patch[field] = orNull(params[field]);
  if (params.balance !== undefined) patch.balance = params.balance;
  if (params.invoice_prefix !== undefined) patch.invoice_prefix = params.invoice_prefix;
  if (params.next_invoice_sequence !== undefined) patch.next_invoice_sequence = params.next_invoice_sequence;
  if (params.preferred_locales !== undefined) patch.preferred_locales = params.preferred_locales;
  if (tax_exempt !== undefined) patch.tax_exempt = tax_exempt ?? "none";
  if (invoice_settings)
    patch.invoice_settings = {
      ...customer.invoice_settings,
      ...(invoice_settings.default_payment_method && {
        default_payment_method: invoice_settings.default_payment_method,
      }),
      ...(invoice_settings.footer !== undefined && { footer: orNull(invoice_settings.footer) }),
    };
  return patch;
}

export function newCustomer(store: Store, params: CustomerParams): Stripe.Customer {
  const blank: Stripe.Customer = {
    id: store.id("cus"),
    object: "customer",
    address: null,
    balance: 0,
    created: store.now,
    currency: null,
    customer_account: null,
    default_source: null,
    delinquent: false,
    description: null,
    discount: null,
    email: null,
    invoice_prefix: randomText(8).toUpperCase(),
    invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
    livemode: store.livemode,
    metadata: {},
    name: null,
    next_invoice_sequence: 1,
    phone: null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: "none",
    test_clock: null,
  };
  return { ...blank, ...patchOf(blank, params) };
}
