import type Stripe from "stripe";
import { z } from "zod";
import type { Store } from "../engine/engine.js";
import { flag, merge, metadata, text } from "../engine/shape.js";

export const productParams = {
  active: flag.optional(),
  description: z.string().max(40_000).optional(),
  images: z.array(text).max(8, "You can have up to 8 images.").optional(),
  marketing_features: z
    .array(z.strictObject({ name: text }))
    .max(15)
    .optional(),
  metadata: metadata.optional(),
  statement_descriptor: text.optional(),
  tax_code: z.string().optional(),
  unit_label: z.string().max(12).optional(),
  url: z.string().optional(),
};

const fields = z.strictObject({ ...productParams, name: text.optional() });
type Fields = z.output<typeof fields>;

/** The fields that `params` change; an empty string unsets a field. */
export function patchOf(product: Stripe.Product, params: Fields): Partial<Stripe.Product> {
  const patch: Partial<Stripe.Product> = { metadata: merge(product.metadata, params.metadata) };
  if (params.name !== undefined) patch.name = params.name;
  if (params.active !== undefined) patch.active = params.active;
  for (const field of ["description", "tax_code", "unit_label", "url"] as const)
    if (params[field] !== undefined) patch[field] = params[field] || null;
  if (params.statement_descriptor) patch.statement_descriptor = params.statement_descriptor;
  if (params.images) patch.images = params.images;
  if (params.marketing_features) patch.marketing_features = params.marketing_features;
  return patch;
}

export function newProduct(store: Store, id: string, params: Fields & { name: string }): Stripe.Product {
  const blank: Stripe.Product = {
    id,
    object: "product",
    active: true,
    created: store.now,
    default_price: null,
    description: null,
    images: [],
    livemode: store.livemode,
    marketing_features: [],
    metadata: {},
    name: params.name,
    package_dimensions: null,
    shippable: null,
    statement_descriptor: null,
    tax_code: null,
    tax_details: null,
    type: "service",
    unit_label: null,
    updated: store.now,
    url: null,
  };
  return { ...blank, ...patchOf(blank, params) };
}
